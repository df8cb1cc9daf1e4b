import { describe, expect, it } from '@jest/globals';
import { readRecordSettings, recorderFor } from './record.ts';

const sink = { write: () => undefined };

describe('recording', () => {
  it('is decided for a whole process, by its share', () => {
    const recorders = [0, 0.09, 0.1, 0.9].map((draw) => recorderFor(sink, '1.2.3', { share: 0.1 }, draw));
    expect(recorders.map((one) => one !== undefined)).toEqual([true, true, false, false]);
    for (const one of recorders) one?.closeSync();
  });

  it.each([0, 2, Number.NaN])('refuses a share of %d', (share) => {
    expect(() => recorderFor(sink, '1.2.3', { share })).toThrow(`share must be a number over 0 up to 1, got ${share}`);
  });

  it('refuses a sink that takes nothing', () => {
    expect(() => recorderFor({} as never, '1.2.3')).toThrow(
      'the sink of record must have a method write; it is of type object',
    );
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
