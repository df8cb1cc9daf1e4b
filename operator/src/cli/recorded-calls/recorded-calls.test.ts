import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { program } from '../program.ts';

const never = () => {
  throw new Error('nothing is reached');
};
let folder: string;

/** Runs a command line; returns its output and its exit code. */
async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const streams = { out: new PassThrough(), err: new PassThrough() };
  const text = { out: '', err: '' };
  for (const name of ['out', 'err'] as const) streams[name].on('data', (part) => (text[name] += part));
  const terminal = { args, ...streams } as unknown as Parameters<typeof program>[0];
  const code = await program(terminal, never);
  return { code, ...text };
}

const file = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-calls-'));
  const lines = Array.from({ length: 1_500 }, (_, i) => {
    const isDown = i >= 900 && i < 960;
    return JSON.stringify({ t: i * 500, d: 20 + (i % 7), s: isDown ? 503 : 200, b: 'payments' });
  });
  writeFileSync(file('calls.ndjson'), `${lines.join('\n')}\n`);
  const policy = { apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy', metadata: { name: 'new' } };
  const spec = { breakers: ['payments'], trip: { consecutiveFailures: 5 } };
  writeFileSync(file('new.yaml'), JSON.stringify({ ...policy, spec }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CALLS = () => ['--calls', file('calls.ndjson'), '--fields', 'time=t,duration=d,status=s,breaker=b'];

describe('fuseboard simulate', () => {
  it('compares policies on recorded calls, and meets what was expected', async () => {
    const { code, out } = await run(
      'simulate',
      file('new.yaml'),
      '--against',
      'hystrix',
      ...CALLS(),
      '--expect',
      'detection<=10s',
    );
    expect(code).toBe(0);
    expect(out).toContain('payments on 1,500 calls');
    expect(out).toMatch(/opened after +2\.02 s/);
    expect(out).toContain('met      detection<=10s');
  });

  it('ends with 1 where an expectation is not met', async () => {
    const { code, out } = await run(
      'simulate',
      file('new.yaml'),
      ...CALLS(),
      '--expect',
      'detection<=1s',
      '-o',
      'json',
    );
    expect(code).toBe(1);
    expect(JSON.parse(out).expectations).toEqual([{ text: 'detection<=1s', met: false, was: '2.02 s' }]);
  });

  it.each([
    [['nowhere.yaml'], 'nowhere.yaml cannot be read (ENOENT); give a file, or a library'],
    [['hystrix', '--expect', 'luck>=1'], 'is no expectation'],
  ])('%j is refused in one line', async (args, message) => {
    const { code, err } = await run('simulate', ...args, ...CALLS());
    expect(code).toBe(3);
    expect(err).toContain(message);
  });
});

describe('fuseboard suggest', () => {
  it('prints a policy that can be applied as it is', async () => {
    const { code, out } = await run('suggest', ...CALLS());
    expect(code).toBe(0);
    expect(parse(out)).toMatchObject({
      kind: 'CircuitBreakerPolicy',
      spec: { breakers: ['payments'], mode: 'Shadow' },
    });
  });
});

describe('policies beside recorded calls', () => {
  const blind = { window: { type: 'Time', duration: '5s' }, failureRate: { thresholdPercent: 50 } };
  const policyFile = (name: string, trip: object) => {
    const spec = { breakers: ['payments'], mode: 'Enforce', trip, timeout: { duration: '1s' } };
    const policy = { apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy', metadata: { name } };
    writeFileSync(file(`${name}.yaml`), JSON.stringify({ ...policy, spec }));
    return file(`${name}.yaml`);
  };

  it('lint names a minimum of calls that the traffic hardly reaches, and slow calls that are usual', async () => {
    const path = policyFile('busy', { ...blind, slowCallRate: { slowerThan: '10ms', thresholdPercent: 50 } });
    const { code, out } = await run('lint', path, ...CALLS());
    expect(code).toBe(1);
    expect(out).toMatch(
      /trip\.minimumCalls: on the calls of "payments", minimumCalls \(20\) is reached \d+ % of the time/,
    );
    expect(out).toContain('100 % of calm calls are slower than 10ms; 50 % open the circuit');
  });

  it('lint finds nothing where the policy fits the traffic, and reads no calls without the option', async () => {
    const path = policyFile('fits', { consecutiveFailures: 5 });
    expect((await run('lint', path, ...CALLS())).out).toContain(', 0 findings');
    const { code, out } = await run('lint', policyFile('busy', blind));
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining(', 0 findings') });
  });

  it('explain says what the governing policy meets in the recorded calls', async () => {
    const path = policyFile('governs', { ...blind, minimumCalls: 10 });
    const { code, out } = await run('explain', 'payments', '--policies', path, ...CALLS());
    expect(code).toBe(0);
    expect(out).toMatch(/note: on the recorded calls, minimumCalls \(10\) is reached \d+ % of the time/);
    expect(out).toMatch(/note: on the recorded calls, opens 0 times outside of incidents, in \d+ min of a process/);
  });

  it('explain refuses calls that cannot be read, in one line', async () => {
    const path = policyFile('governs', blind);
    const { code, err } = await run('explain', 'payments', '--policies', path, '--calls', file('nowhere.log'));
    expect(code).toBe(3);
    expect(err).toContain('nowhere.log');
  });
});

describe('a record that names no breaker', () => {
  /** An access log of nginx: two calls a second, of which 40 s fail after a minute. */
  const log = () => {
    const lines = Array.from({ length: 240 }, (_, i) => {
      const at = new Date(Date.UTC(2026, 10, 10, 14) + i * 500).toISOString().slice(11, 19);
      const status = i >= 120 && i < 200 ? 502 : 200;
      return `10.0.0.1 - - [10/Nov/2026:${at} +0000] "GET /pay HTTP/1.1" ${status} 512 "-" "curl" 0.0${10 + (i % 30)}`;
    });
    writeFileSync(file('access.log'), `${lines.join('\n')}\n`);
    return ['--calls', file('access.log')];
  };
  const policies = (name: string, ...breakers: string[]) => {
    const kind = { apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy', metadata: { name } };
    const spec = { breakers, mode: 'Enforce', trip: { consecutiveFailures: 5 }, timeout: { duration: '1s' } };
    writeFileSync(file(`${name}.yaml`), JSON.stringify({ ...kind, spec }));
    return file(`${name}.yaml`);
  };

  it('is of the only breaker of the policies, for simulate, lint and suggest alike', async () => {
    const one = policies('one', 'payments');
    const { code, out } = await run('simulate', one, ...log());
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('payments on 240 calls') });
    expect((await run('lint', one, ...log())).code).toBe(0);
    expect((await run('suggest', '--against', one, ...log())).out).toMatch(/^# payments: /m);
    const unnamed = (await run('suggest', ...log())).out;
    expect(unnamed).toContain(
      '# note: the record names no breaker; write yours in place of "all", or name it with --breaker.',
    );
    expect((await run('suggest', '--breaker', 'payments', ...log())).out).not.toContain('names no breaker');
  });

  it.each([
    ['simulate', (path: string) => [path]],
    ['lint', (path: string) => [path]],
    ['suggest', (path: string) => ['--against', path]],
  ])('is refused by %s where the policies are for several', async (command, given) => {
    const several = given(policies('several', 'payments', 'search'));
    const { code, err } = await run(command, ...given(several.at(-1)!), ...log());
    expect(code).toBe(3);
    expect(err).toBe(
      'fuseboard: the record names no breaker, and the policies are for several (payments, search); say with --breaker which one its calls are of\n',
    );
    expect((await run(command, ...several, '--breaker', 'search', ...log())).code).toBe(0);
  });

  it.each(['simulate', 'lint'])('is not looked at in vain: %s refuses calls of other breakers', async (command) => {
    const { code, err } = await run(command, policies('other', 'search'), ...CALLS());
    expect(code).toBe(3);
    expect(err).toContain('no policy is for a recorded breaker (payments); name one with --breaker');
  });

  it('has an incident also where it is only two minutes long, and what is suggested has nothing for lint', async () => {
    const { out } = await run('suggest', '--breaker', 'payments', ...log());
    expect(out).toMatch(/^# taken for incidents.*\n# {3}2026-11-10 14:0[01]:\d\d, (39|40)(\.\d+)? s {2}failing$/m);
    expect(out).toMatch(/^ {4}halfOpen: \{ probeTimeout: 1s \} +# assumed: /m);
    writeFileSync(file('suggested.yaml'), out);
    expect((await run('lint', file('suggested.yaml'))).out).toBe('1 policy in 1 file, 0 findings\n');
  });
});
