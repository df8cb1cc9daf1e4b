import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyDefaults } from '../src/breakers/registry.ts';
import { createBreaker, FakeClock, type TestBreaker } from '../src/testing/testing.ts';
import { propertyRuns } from './property-runs.ts';

const FAILURES = 30;
const OPEN_MS = 60_000;

type Window = { type: 'Time'; duration: string } | { type: 'Count'; size: number };
interface Sample {
  at: number;
  failed: boolean;
}

const policy = (window: Window, trip: object, openMs: number, mode?: PolicyDefaults['mode']): PolicyDefaults => ({
  mode,
  trip: { window, minimumCalls: 1, failureRate: { thresholdPercent: 100 }, ...trip },
  recovery: { openDuration: `${openMs}ms` },
});
const timeWindow = (ms: number): Window => ({ type: 'Time', duration: `${ms}ms` });

const thresholds = fc.record({
  failureRate: fc.record({ thresholdPercent: fc.integer({ min: 1, max: 100 }) }),
  failureCount: fc.option(fc.integer({ min: 1, max: FAILURES }), { nil: undefined }),
  consecutiveFailures: fc.integer({ min: 1, max: FAILURES }),
});
const outcomes = fc.array(fc.record({ pause: fc.nat(400), failed: fc.boolean() }), { maxLength: 60, size: 'max' });
/** How long after the one before an edit comes, and how long the circuit is still to stay open by it. */
const edits = <S>(size: fc.Arbitrary<S>) =>
  fc.array(
    fc.record({
      size,
      thresholds,
      pause: fc.nat(2_000),
      left: fc.integer({ min: 1, max: OPEN_MS }),
      mode: fc.constantFrom<PolicyDefaults['mode']>('Enforce', 'Shadow', undefined),
    }),
    { minLength: 1, maxLength: 6, size: 'max' },
  );

/** Plays random outcomes, then failures until the circuit is open, and says what it played. */
function open(breaker: TestBreaker, clock: FakeClock, calls: readonly { pause: number; failed: boolean }[]): Sample[] {
  const log: Sample[] = [];
  for (const { pause, failed } of [...calls, ...Array(FAILURES).fill({ pause: 0, failed: true })]) {
    if (breaker.state !== 'closed') break;
    clock.advance(pause);
    const permit = breaker.enter()!;
    if (failed) permit.fail();
    else permit.succeed();
    log.push({ at: clock.now(), failed });
  }
  expect(breaker.state).toBe('open');
  return log;
}

/** Edits an open breaker again and again and looks after each edit; at the end its time runs out. */
function editAll<S>(
  breaker: TestBreaker,
  clock: FakeClock,
  all: readonly {
    size: S;
    thresholds: object;
    pause: number;
    left: number;
    mode: PolicyDefaults['mode'];
  }[],
  windowOf: (size: S) => Window,
  look: (size: S, window: { calls: number; failures: number }) => void,
): void {
  const openedAt = clock.now();
  let due = openedAt + OPEN_MS;
  const received: unknown[] = [];
  const off = breaker.on('transition', (event) => received.push(event));
  for (const { size, thresholds, pause, left, mode } of all) {
    clock.advance(Math.min(pause, due - clock.now() - 1));
    due = clock.now() + left;
    breaker.apply(policy(windowOf(size), thresholds, due - openedAt, mode));
    const { state, sinceMs, retryAfterMs, window } = breaker.stats();
    expect({ state, sinceMs, retryAfterMs }).toEqual({
      state: 'open',
      sinceMs: clock.now() - openedAt,
      retryAfterMs: left,
    });
    expect(received).toEqual([]);
    look(size, window);
  }
  off();
  clock.advance(due - clock.now());
  expect(breaker.state).toBe('half-open');
}

describe('an open breaker stays open, with its samples, when threshold, window or open time is edited', () => {
  it('with the last calls in its window', () => {
    const sizes = fc.integer({ min: FAILURES, max: 200 });
    fc.assert(
      fc.property(sizes, thresholds, outcomes, edits(sizes), (size, trip, calls, all) => {
        const clock = new FakeClock();
        const windowOf = (of: number): Window => ({ type: 'Count', size: of });
        const breaker = createBreaker(policy(windowOf(size), trip, OPEN_MS), { clock });
        let held = open(breaker, clock, calls).slice(-size);
        editAll(breaker, clock, all, windowOf, (now, window) => {
          held = held.slice(-now);
          const failures = held.filter(({ failed }) => failed).length;
          expect(window).toEqual({ calls: held.length, failures, slow: 0 });
        });
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it('with the calls of some time in its window', () => {
    const sizes = fc.integer({ min: 1_000, max: 90_000 });
    fc.assert(
      fc.property(sizes, thresholds, outcomes, edits(sizes), (ms, trip, calls, all) => {
        const clock = new FakeClock();
        const breaker = createBreaker(policy(timeWindow(ms), trip, OPEN_MS), { clock });
        let certain = open(breaker, clock, calls);
        let possible = certain;
        // A bucket that moves to another window may live on for as long as it was wide.
        let [before, widened] = [ms, 0];
        editAll(breaker, clock, all, timeWindow, (after, window) => {
          const younger = (age: number) => (sample: Sample) => clock.now() - sample.at < age;
          certain = certain.filter(younger(0.89 * Math.min(before, after)));
          possible = possible.filter(younger(1.01 * before + widened));
          widened += before / 10;
          possible = possible.filter(younger(1.01 * after + widened));
          before = after;
          expect(window.calls).toBeGreaterThanOrEqual(certain.length);
          expect(window.calls).toBeLessThanOrEqual(possible.length);
        });
      }),
      { numRuns: propertyRuns(500) },
    );
  });
});
