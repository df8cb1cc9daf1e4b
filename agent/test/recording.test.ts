import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCalls } from '@fuseboard/traffic';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const source = (name: string) => new URL(`../src/${name}.ts`, import.meta.url).href;

/** Runs a script of its own process. */
const run = (script: string, env: Readonly<Record<string, string>>) =>
  spawnSync(
    process.execPath,
    ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' },
  );

describe('a process that records', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fuseboard-recording-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('ends when its work is done, and leaves a file that the readers understand', async () => {
    const script = `
      import { getBreaker } from '${source('index')}';
      const payments = getBreaker('payments', { defaults: { trip: { consecutiveFailures: 1 } } });
      const answer = { status: 200, headers: new Headers() };
      for (let n = 0; n < 1000; n++) await payments.execute(async () => answer);
      const slow = (resolve, reject) => setTimeout(() => reject(Object.assign(new Error('down'), { code: 'ETIMEDOUT' })), 60);
      const failing = payments.for('/charge');
      await failing.execute(() => new Promise(slow)).catch(() => {});
      await failing.execute(async () => answer).catch(() => {});`;
    const path = join(folder, 'new', 'calls.gz');
    const child = run(script, { FUSEBOARD_RECORD: path });
    expect([child.status, child.stderr]).toEqual([0, '']);
    const reading = readCalls([path]);
    const calls = [];
    for await (const batch of reading) calls.push(...batch);
    expect(calls).toHaveLength(1002);
    expect(calls[0]).toMatchObject({ outcome: 'success', status: 200, breaker: 'payments' });
    expect(calls[0]!.instance).toMatch(/-\d+$/);
    expect(calls[1000]).toMatchObject({ outcome: 'failure', error: 'ETIMEDOUT', key: '/charge' });
    expect(calls[1000]!.durationMs).toBeGreaterThan(0);
    expect(calls[1001]).toMatchObject({ outcome: 'rejected', durationMs: 0, key: '/charge' });
    expect(Math.abs(calls[1001]!.start - Date.now())).toBeLessThan(600_000);
    expect(reading.summary().badLines).toBe(0);
  });

  it.each([
    [{ FUSEBOARD_RECORD_FILES: '0' }, 'FUSEBOARD_RECORD_FILES must be a whole number from 1 to 1000', true],
    [{ FUSEBOARD_DISABLED: '1' }, '', false],
  ])('applies %j', (env, warning, written) => {
    const path = join(folder, 'calls.gz');
    const child = run(
      `import { getBreaker } from '${source('index')}'; await getBreaker('payments').execute(async () => 5);`,
      { FUSEBOARD_RECORD: path, ...env },
    );
    expect([child.status, existsSync(path)]).toEqual([0, written]);
    if (warning === '') expect(child.stderr).toBe('');
    else expect(child.stderr).toContain(warning);
  });

  it('calls on, and is told once, when the file cannot be written', () => {
    writeFileSync(join(folder, 'taken'), '');
    const child = run(
      `import { getBreaker } from '${source('index')}';
      console.log(await getBreaker('payments').execute(async () => 5));
      const waiting = setInterval(() => {}, 1000);
      process.on('warning', () => clearInterval(waiting));`,
      { FUSEBOARD_RECORD: join(folder, 'taken', 'calls.gz') },
    );
    expect([child.status, child.stdout]).toEqual([0, '5\n']);
    expect(child.stderr.match(/calls are not recorded/g)).toHaveLength(1);
  });
});
