import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { unauthenticated } from '../src/auth/unauthenticated.ts';
import { StandaloneTarget } from '../src/cli/client/standalone.ts';
import { program } from '../src/cli/program.ts';
import { readConfig } from '../src/config/config.ts';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import { type Serving, serve } from '../src/serve.ts';
import { EventClient } from './event-client.ts';
import { FLAGS, localAdapters, ready } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';

const SOURCES = join(import.meta.dirname, '../src');
const EVIL = 'x\u001b]0;owned\u0007\u001b[2J\r\nfake line\u009b31m\u202e';
const BOOT = 'a'.repeat(32);

let serving: Serving;
let client: EventClient;
let logged: string;

beforeEach(async () => {
  logged = '';
  const log = pino(
    { base: null },
    {
      write(line: string) {
        logged += line;
      },
    },
  );
  const source = new MemorySource();
  serving = await serve(
    readConfig({ ...FLAGS }),
    { ...(await localAdapters(log)), source, authenticator: unauthenticated },
    log,
  );
  source.set([policy('payments', { spec: { breakers: ['*'], trip: { consecutiveFailures: 3 } } })]);
  await ready(serving.metricsUrl);
  const search = new URLSearchParams({ service: EVIL, instance: EVIL, boot: BOOT });
  client = await EventClient.open(`${serving.agentsUrl}/v1/stream?${search}`);
  const { id: revision } = await client.until(({ event }) => event === 'commit');
  const totals = { ...NO_TOTALS, succeeded: 1, failed: 9 };
  const breaker = { name: 'payments', uid: 'uid-payments', state: 'open', since: 0, totals };
  const transitions = [{ from: 'closed', to: 'open', agoMs: 0, reason: EVIL }];
  const answer = await fetch(`${serving.agentsUrl}/v1/report`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ protocol: 1, service: EVIL, instance: EVIL, boot: BOOT, sequence: 1, part: 1, parts: 1, revision },
      rejections: [{ uid: 'uid-payments', generation: 1, field: EVIL, message: EVIL }],
      breakers: [
        { ...breaker, transitions },
        { ...breaker, key: EVIL },
      ],
    }),
  });
  expect(answer.status).toBe(204);
});

afterEach(async () => {
  client.close();
  await serving.stop(0);
});

async function run(...args: string[]): Promise<string> {
  let text = '';
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const reach = () => new StandaloneTarget([serving.adminUrl]);
  const construct = () => Promise.reject(new Error('nothing is served here'));
  await program({ args, out, err: out }, async () => ({ construct, reach, connect: construct as never }));
  return text;
}

describe('what an agent says of itself', () => {
  it.each([
    ['get', 'breakers', '-A'],
    ['get', 'breakers', '-A', '-o', 'wide'],
    ['get', 'agents', '-A', '-o', 'wide'],
    ['get', 'agents', '-A', '-o', 'json'],
    ['get', 'policies', '-A', '-o', 'yaml'],
    ['describe', 'policy', 'payments', '-n', 'default'],
    ['top', '-A', '--once'],
    ['status', '-A'],
    ['explain', EVIL, '-n', 'default'],
    ['overrides', 'list', '-n', EVIL],
    ['history', EVIL, '-n', 'default'],
  ])('steers no terminal by %s %s %s', async (...args) => {
    const text = await run(...args);
    expect(text).not.toBe('');
    expect(text).not.toMatch(/[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('adds no line to a table, and is the same in the log and in the status', async () => {
    expect((await run('get', 'breakers', '-A')).split('\n').filter((line) => line.startsWith('fake'))).toEqual([]);
    expect(logged).not.toMatch(/[^\P{Cc}\n]|\\n|[\p{Cf}]/u);
    const answer = await (await fetch(`${serving.adminUrl}/v1/policies/default/payments`)).text();
    expect(answer).not.toMatch(/[\p{Cc}\p{Cf}]|[^\\]\\[nru]/u);
  });
});

it('is written by no source but through the stream that is made safe', () => {
  const writers = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .filter((path) => /\bconsole\.|\bstdout\b|\bstderr\b|\/dev\/tty|writeSync/.test(code(path)));
  expect(writers).toEqual(['main.ts']);
  expect(code('main.ts')).toContain('program({ args: argv.slice(2), out, err }');
});

/** A source without its comments. */
const code = (path: string) => readFileSync(join(SOURCES, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
