import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, MAX_DURATION_MS, MIN_DURATION_MS, parseDuration } from './duration.ts';

describe('a duration', () => {
  it.each([
    ['1ms', 1],
    ['250ms', 250],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['2h45m', 9_900_000],
    ['1h1m1s1ms', 3_661_001],
    ['24h', MAX_DURATION_MS],
    ['00010s', 10_000],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '0s',
    '24h1ms',
    '1.5s',
    '-1s',
    '1',
    's',
    '1d',
    '1 s',
    '1S',
    '123456s',
    '1s1s1s1s1s',
    30,
    null,
    undefined,
    {},
  ])('refuses %p', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('survives being written and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: MIN_DURATION_MS, max: MAX_DURATION_MS }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('writes nothing as 0s', () => {
    expect(formatDuration(0)).toBe('0s');
  });
});
