import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Registry } from '../src/breakers/registry.ts';
import { CoarseClock } from '../src/clock/coarse-clock.ts';
import { createBreaker, FakeClock } from '../src/testing/testing.ts';

const CALLS = 500;

/** The least time that failing calls take while the window is full of so many. */
function costOfFailing(size: number): number {
  const trip = { window: { type: 'Count' as const, size }, failureRate: { thresholdPercent: 100 }, minimumCalls: size };
  const breaker = createBreaker({ trip }, { clock: new FakeClock() });
  for (let i = 0; i < size; i++) breaker.enter()!.succeed();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const begun = performance.now();
    for (let i = 0; i < CALLS / 10; i++) breaker.enter()!.fail();
    least = Math.min(least, performance.now() - begun);
  }
  return least;
}

describe('a breaker costs the same', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('for a failing call, however many calls its window holds', () => {
    costOfFailing(1_000);
    expect(costOfFailing(100_000) / costOfFailing(1_000)).toBeLessThan(30);
  });

  it('in timers, however many breakers there are', () => {
    jest.useFakeTimers();
    const clock = new CoarseClock(() => Date.now());
    const registry = new Registry({ clock, timeouts: clock });
    const slowCallRate = { thresholdPercent: 50, slowerThan: '1s' };
    for (let i = 0; i < 10_000; i++) {
      const breaker = registry.getBreaker(`breaker-${i}`, {
        defaults: { trip: { slowCallRate, consecutiveFailures: 1 } },
      });
      breaker.enter()!.fail();
      expect(breaker.state).toBe('open');
    }
    expect(jest.getTimerCount()).toBeLessThanOrEqual(2);
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
