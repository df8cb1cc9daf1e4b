import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { until } from './until.ts';

const START = fileURLToPath(new URL('start.ts', import.meta.url));
const FUSEBOARD = fileURLToPath(new URL('../../operator/src/main.ts', import.meta.url));
const NODE = ['--conditions=fuseboard-source'];
const patience = { within: 60_000, every: 100 };

interface Circuit {
  readonly current_state: string;
  readonly fail_counter: number;
  readonly fail_max: number | null;
}

let folder: string;
let demo: ChildProcess | undefined;
let copies: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-record-'));
});
afterEach(() => {
  demo?.kill('SIGKILL');
  for (const each of [folder, copies]) if (each !== undefined) rmSync(each, { recursive: true, force: true });
});

/** Starts the demo with a recording. @returns the addresses and the policy file that its guide names. */
async function startDemo(recording: string) {
  demo = spawn(process.execPath, [...NODE, START, '--any-ports', '--record', recording]);
  let output = '';
  for (const stream of [demo.stdout!, demo.stderr!]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until('the guide', () => output.includes('Ctrl-C ends all of it'), patience).catch((error: Error) => {
    throw new Error(`${error.message}\n${output}`);
  });
  const found = (pattern: RegExp) => pattern.exec(output)![1]!;
  const policyFile = resolvePath(found(/^ +edit (\S+)$/m));
  copies = dirname(dirname(policyFile));
  return {
    offer: found(/curl (\S+\/offer)$/m),
    partner: found(/curl (\S+)\/switch/),
    policyFile,
    output: () => output,
  };
}

describe('from a recording to a policy in force', () => {
  it('records the demo, suggests a policy from that, and the demo applies it once it is saved', async () => {
    const recording = join(folder, 'calls.gz');
    const { offer, partner, policyFile } = await startDemo(recording);
    const ask = async (times: number) => {
      for (let i = 0; i < times; i++) await (await fetch(offer)).text();
    };
    const circuit = async () => (await (await fetch(`${offer}/circuit`)).json()) as Circuit;
    const failing = (is: boolean) =>
      fetch(`${partner}/switch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ failing: is }),
      });
    await ask(200);
    const suggest = async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...NODE,
        FUSEBOARD,
        'suggest',
        '--calls',
        recording,
      ]);
      return stdout;
    };
    // Recorded calls are written once a second.
    await until('a recording', () => statSync(recording, { throwIfNoEntry: false }) !== undefined, patience);
    const suggested = await until(
      'all calls in the recording',
      async () => {
        const text = await suggest();
        return / 200 as success/.test(text) && text;
      },
      { within: 60_000, every: 500 },
    );
    const { spec } = parse(suggested as string);
    expect(spec).toMatchObject({ breakers: ['partner-offer'], mode: 'Shadow' });
    const run: number = spec.trip.consecutiveFailures;
    expect((await circuit()).fail_max).toBe(3);
    expect(run).not.toBe(3);

    writeFileSync(policyFile, (suggested as string).replace('mode: Shadow', 'mode: Enforce'));
    await until('the suggested policy', async () => (await circuit()).fail_max === run, patience);
    await failing(true);
    await ask(run - 1);
    expect(await circuit()).toMatchObject({ current_state: 'closed', fail_counter: run - 1 });
    await ask(1);
    expect((await circuit()).current_state).toBe('open');
  }, 180_000);
});
