import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCalls } from '@fuseboard/traffic';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const source = (name: string) => new URL(`../src/telemetry/recording/${name}.ts`, import.meta.url).href;

describe('a process that records', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fuseboard-recording-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('ends when its work is done, and leaves a file that the readers understand', async () => {
    const script = `
      import { NOTHING_SEEN, OUTCOME_CODES } from '${source('call-ring')}';
      import { NO_NAME } from '${source('name-ids')}';
      import { readRecordSettings, recordToFile } from '${source('record')}';
      const recorder = recordToFile(readRecordSettings(process.env), '1.2.3', { instance: 'checkout-1' });
      const payments = recorder.nameId('payments');
      for (let n = 0; n < 1000; n++) recorder.record(1714557600000 + n, 1.5, OUTCOME_CODES.success, 200, payments, NO_NAME, true);
      await recorder.flush();
      recorder.record(1714557601000, 1000, OUTCOME_CODES.failure, recorder.errorId('ETIMEDOUT'), payments, recorder.nameId('/charge'), true);
      recorder.record(1714557601001, 0, OUTCOME_CODES.rejected, NOTHING_SEEN, payments, NO_NAME, true);`;
    const path = join(folder, 'calls.gz');
    const child = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      {
        env: { PATH: process.env.PATH, FUSEBOARD_RECORD: path },
        encoding: 'utf8',
      },
    );
    expect([child.status, child.stderr]).toEqual([0, '']);
    const reading = readCalls([path]);
    const calls = [];
    for await (const batch of reading) calls.push(...batch);
    expect(calls).toHaveLength(1002);
    expect(calls[0]).toEqual({
      start: 1714557600000,
      durationMs: 1.5,
      outcome: 'success',
      status: 200,
      breaker: 'payments',
      instance: 'checkout-1',
    });
    expect(calls[1000]).toMatchObject({ outcome: 'failure', error: 'ETIMEDOUT', key: '/charge' });
    expect(calls[1001]).toMatchObject({ outcome: 'rejected', durationMs: 0 });
    expect(reading.summary().badLines).toBe(0);
  });
});
