import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { latencyBucket } from './histogram.ts';

describe('the latency bucket', () => {
  it.each([
    [0, 0],
    [0.124, 0],
    [0.125, 1],
    [0.249, 1],
    [0.25, 2],
    [1, 4],
    [32_767, 18],
    [32_768, 19],
    [86_400_000, 19],
    [Number.MAX_VALUE, 19],
    [-1, 0],
    [Number.NaN, 0],
  ])('of %d ms is %d', (ms, bucket) => {
    expect(latencyBucket(ms)).toBe(bucket);
  });

  it('is the first whose bound the duration is under', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        const bounds = Array.from({ length: LATENCY_BUCKETS - 1 }, (_, i) => 2 ** i * 0.125);
        const first = bounds.findIndex((bound) => ms < bound);
        expect(latencyBucket(ms)).toBe(first === -1 ? LATENCY_BUCKETS - 1 : first);
      }),
    );
  });
});
