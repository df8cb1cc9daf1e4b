import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

describe('tables and JSON lines with given fields', () => {
  it('read a table by the names of its first line', async () => {
    const { calls } = await readText('id,when,took,code,who\n7,1714557602.123,0.226,503,orders\n', {
      fields: { time: 'when', duration: 'took', status: 'code', breaker: 'who' },
      durationUnit: 's',
    });
    expect(calls).toEqual([
      { start: at('10:00:02.123'), durationMs: 226, outcome: 'failure', status: 503, breaker: 'orders' },
    ]);
  });

  it('reach into objects by dots, and take an end for an end', async () => {
    const { calls } = await readText(SAMPLES.ndjson, {
      fields: { end: 'ts', duration: 'http.ms', status: 'http.code' },
    });
    expect(calls[0]).toMatchObject({ start: at('10:00:01.897'), durationMs: 226 });
  });

  it('take the time between a start and an end as the duration', async () => {
    const { calls } = await readText('a,b\n1714557602000,1714557602226\n', { fields: { time: 'a', end: 'b' } });
    expect(calls[0]).toMatchObject({ start: at('10:00:02'), durationMs: 226 });
  });

  it.each([
    ['success', 'success'],
    ['REJECTED', 'rejected'],
    ['true', 'success'],
    ['false', 'failure'],
  ])('take an outcome of %s as %s', async (text, outcome) => {
    const { calls } = await readText(`{"t":1714557602000,"r":"${text}"}\n`, { fields: { time: 't', outcome: 'r' } });
    expect(calls[0]!.outcome).toBe(outcome);
  });

  it('say which column is missing, and that a time is needed', async () => {
    await expect(readText(SAMPLES.csv, { format: 'csv', fields: { time: 'at' } })).rejects.toThrow(
      /has no column at for time/,
    );
    await expect(readText(SAMPLES.csv, { fields: { time: 'at' } })).rejects.toThrow(/does not have the fields at/);
    await expect(readText(SAMPLES.csv, { fields: { status: 'code' } })).rejects.toThrow(
      /give time=NAME of its start, or end=NAME/,
    );
  });

  it('say which unit was taken', async () => {
    const { summary } = await readText(SAMPLES.ndjson, { fields: { time: 'ts', duration: 'http.ms' } });
    expect(summary.notes.join('\n')).toContain('Durations are taken as milliseconds');
  });
});

describe('a series of calls between services', () => {
  it('is known by itself, with callers and errors that may be answers', async () => {
    const { calls, summary } = await readText(SAMPLES.series);
    expect(calls).toEqual([
      { start: 0, durationMs: 5.6, outcome: 'success', breaker: 'catalogue', from: 'frontend' },
      { start: 30, durationMs: 1000, outcome: 'failure', error: 'timeout', breaker: 'catalogue', from: 'frontend' },
    ]);
    expect(summary.notes.join('\n')).toContain('counted from the start of the series');
    const answers = await readText(SAMPLES.series, { successErrors: ['timeout'] });
    expect(answers.calls[1]!.outcome).toBe('success');
  });
});
