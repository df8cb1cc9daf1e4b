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
