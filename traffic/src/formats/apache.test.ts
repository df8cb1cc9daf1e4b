import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

const log = (lengths: readonly number[]) =>
  lengths
    .map((length) => `203.0.113.9 - - [01/May/2024:10:00:02 +0000] "GET / HTTP/1.1" 200 5 "-" "-" ${length}\n`)
    .join('');

describe('an Apache access log', () => {
  it('has the start of a call in brackets, not its end', async () => {
    const { calls } = await readText(SAMPLES.apache);
    expect(calls.map(({ start, durationMs, outcome }) => [start, durationMs, outcome])).toEqual([
      [at('10:00:02'), 1250, 'success'],
      [at('10:00:03'), 40, 'failure'],
    ]);
  });

  it.each([
    ['us', [12_000, 40_000, 1_200_000], 12],
    ['s', [0, 0, 1, 30], 0],
  ])('tells a unit of %s from its values', async (_unit, lengths, first) => {
    const { calls } = await readText(log(lengths));
    expect(calls[0]!.durationMs).toBe(first);
  });

  it('asks for a unit that the values do not show, and uses it', async () => {
    await expect(readText(log([200, 2000, 3000]))).rejects.toThrow(
      /does not show the unit of its durations.*us for %D, s for %T, ms for %\{ms\}T/,
    );
    const { calls } = await readText(log([200, 2000, 3000]), { durationUnit: 'ms' });
    expect(calls.map(({ durationMs }) => durationMs)).toEqual([200, 2000, 3000]);
  });

  it('takes the virtual host before the address as the breaker', async () => {
    const { calls } = await readText(`shop.example:443 ${log([20_000])}`);
    expect(calls[0]!.breaker).toBe('shop.example');
  });
});

describe('a combined log without durations', () => {
  it('gives calls of unknown length and says what cannot be judged', async () => {
    const { calls, summary } = await readText(SAMPLES.combined);
    expect(calls.map(({ durationMs, outcome }) => [durationMs, outcome])).toEqual([
      [Number.NaN, 'success'],
      [Number.NaN, 'failure'],
    ]);
    expect(summary.withoutDuration).toBe(2);
    expect(summary.notes.join('\n')).toContain('This log has no durations');
  });
});
