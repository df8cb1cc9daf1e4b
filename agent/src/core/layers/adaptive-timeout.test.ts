import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AdaptiveConfig } from '../config/call-config.ts';
import { AdaptiveTimeout } from './adaptive-timeout.ts';

const config = (more: Partial<AdaptiveConfig> = {}): AdaptiveConfig => ({
  percentile: 95,
  headroomPercent: 20,
  minimumSamples: 10,
  minMs: 1,
  maxMs: 1_000_000,
  ...more,
});
const after = (durations: readonly number[]) => {
  const adaptive = new AdaptiveTimeout();
  for (const ms of durations) adaptive.record(ms);
  return adaptive;
};
const times = (count: number, ms: number) => new Array<number>(count).fill(ms);

describe('an adaptive time limit', () => {
  it('is the fixed one until there are enough samples, or the most where there is none', () => {
    expect(after(times(9, 50)).limitMs(config(), 2_000)).toBe(2_000);
    expect(after(times(9, 50)).limitMs(config({ maxMs: 7_000 }), 0)).toBe(7_000);
    expect(after(times(10, 50)).limitMs(config(), 2_000)).toBeLessThan(100);
  });

  it('is the percentile and the headroom, at most 9.1 % more', () => {
    const limit = after([...times(94, 50), ...times(6, 400)]).limitMs(config(), 0);
    expect(limit).toBeGreaterThanOrEqual(480);
    expect(limit).toBeLessThanOrEqual(480 * 1.091);
  });

  it('stays between its bounds', () => {
    expect(after(times(10, 2)).limitMs(config({ minMs: 50 }), 0)).toBe(50);
    expect(after(times(10, 9_000)).limitMs(config({ maxMs: 5_000 }), 0)).toBe(5_000);
    expect(after(times(10, Number.POSITIVE_INFINITY)).limitMs(config({ maxMs: 5_000 }), 0)).toBe(5_000);
    expect(after(times(10, Number.NaN)).limitMs(config({ minMs: 50 }), 0)).toBe(50);
  });

  it('forgets how slow calls were once', () => {
    const adaptive = after(times(10_000, 4_000));
    expect(adaptive.limitMs(config(), 0)).toBeGreaterThan(4_000);
    for (let i = 0; i < 5_000; i++) adaptive.record(20);
    expect(adaptive.limitMs(config(), 0)).toBeLessThan(30);
  });

  it('follows an edit of the percentile at once', () => {
    const adaptive = after([...times(50, 10), ...times(50, 1_000)]);
    expect(adaptive.limitMs(config({ percentile: 40 }), 0)).toBeLessThan(20);
    expect(adaptive.limitMs(config({ percentile: 90 }), 0)).toBeGreaterThan(1_000);
    expect(adaptive.limitMs(config({ percentile: 40 }), 0)).toBeLessThan(20);
  });

  it('is never below the percentile of the samples, and 9.1 % or 1 ms above it at most', () => {
    const duration = fc.double({ min: 0, max: 80_000_000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(duration, { minLength: 1, maxLength: 500, size: 'max' }),
        fc.integer({ min: 1, max: 99 }),
        (durations, percentile) => {
          const adaptive = new AdaptiveTimeout();
          const exactly = config({ percentile, headroomPercent: 0, minimumSamples: 1, maxMs: 86_400_000 });
          for (const [i, ms] of durations.entries()) {
            adaptive.record(ms);
            const sorted = durations.slice(0, i + 1).sort((a, b) => a - b);
            const exact = sorted[Math.ceil(((i + 1) * percentile) / 100) - 1]!;
            const limit = adaptive.limitMs(exactly, 0);
            expect(limit).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
            expect(limit).toBeLessThanOrEqual(Math.max(exact * 1.0906, 1));
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
