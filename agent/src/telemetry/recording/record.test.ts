import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCalls } from '@fuseboard/traffic';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readRecordSettings, record } from './record.ts';

const sink = { write: () => undefined };

describe('recording', () => {
  it('is decided for a whole process, by its share', () => {
    const recorders = [0, 0.09, 0.1, 0.9].map((draw) => record(sink, '1.2.3', { share: 0.1 }, draw));
    expect(recorders.map((one) => one !== undefined)).toEqual([true, true, false, false]);
    for (const one of recorders) one?.closeSync();
  });

  it.each([0, 2, Number.NaN])('refuses a share of %d', (share) => {
    expect(() => record(sink, '1.2.3', { share })).toThrow(`share must be a number over 0 up to 1, got ${share}`);
  });

  it('refuses a sink that takes nothing', () => {
    expect(() => record({} as never, '1.2.3')).toThrow('sink must have a method write(block)');
  });
});

describe('what the environment says', () => {
  it('is nothing without a file', () => {
    expect(readRecordSettings({})).toEqual({ share: 1, maxBytes: 64e6, files: 4, problems: [] });
  });

  it('is a file of the process, its bounds and the share', () => {
    const env = {
      FUSEBOARD_RECORD: '/tmp/calls-{pid}.gz',
      FUSEBOARD_RECORD_SHARE: '0.1',
      FUSEBOARD_RECORD_MAX_MB: '5',
      FUSEBOARD_RECORD_FILES: '2',
    };
    expect(readRecordSettings(env)).toEqual({
      path: `/tmp/calls-${process.pid}.gz`,
      share: 0.1,
      maxBytes: 5e6,
      files: 2,
      problems: [],
    });
  });

  it('is left out where it cannot be used, and said', () => {
    const { share, files, problems } = readRecordSettings({
      FUSEBOARD_RECORD_SHARE: '10%',
      FUSEBOARD_RECORD_FILES: '0',
    });
    expect([share, files]).toEqual([1, 4]);
    expect(problems).toEqual([
      'FUSEBOARD_RECORD_SHARE must be a number over 0 up to 1, got "10%"; 1 is used',
      'FUSEBOARD_RECORD_FILES must be a whole number from 1 to 1000, got "0"; 4 is used',
    ]);
  });
});

describe('a process that records', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fuseboard-recording-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('ends when its work is done, and leaves a file that the readers understand', async () => {
    const script = `
      import { NOTHING_SEEN, OUTCOME_CODES } from '${new URL('call-ring.ts', import.meta.url).href}';
      import { NO_NAME } from '${new URL('name-ids.ts', import.meta.url).href}';
      import { readRecordSettings, recordToFile } from '${new URL('record.ts', import.meta.url).href}';
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
