import { ReplayBreaker } from '@fuseboard/agent/testing';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { limitsOf } from '../../operator/web/src/what-if/limits.ts';
import { numbersOf } from '../../operator/web/src/what-if/numbers.ts';

const STEP_MS = 20_000;
const REPORT_MS = 10_000;

interface Call {
  readonly at: number;
  readonly failed: boolean;
}

/** Steps in which every process made as many calls; `failures` is the share that fails, in percent. */
const stories = fc.record({
  processes: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(
    fc.record({
      calls: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 300 })),
      failures: fc.constantFrom(0, 5, 20, 40, 60, 90, 100),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  seed: fc.integer(),
});

const trips = fc.constantFrom(
  { minimumCalls: 20, failureRate: { thresholdPercent: 50 } },
  { minimumCalls: 5, failureRate: { thresholdPercent: 30 }, window: { type: 'Time', duration: '5s' } } as const,
  { minimumCalls: 10, failureRate: { thresholdPercent: 50 }, window: { type: 'Count', size: 30 } } as const,
  { window: { type: 'Time', duration: '1m' }, failureCount: 40 } as const,
  { consecutiveFailures: 5 },
  { consecutiveFailures: 12 },
);

/** Numbers from 0 to below 1 that follow from a seed. */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** The calls of one process, by the step in which its reports count them; it reports every 10 s. */
function callsOf(counts: readonly { calls: number; failures: number }[], random: () => number): Call[][] {
  const lag = random() * REPORT_MS;
  return counts.map(({ calls, failures }, i) => {
    // The calls of a step ended between the last report before it and the last one in it.
    const times = Array.from({ length: calls }, () => (i + random()) * STEP_MS - lag).sort((a, b) => a - b);
    return times.map((at) => ({ at, failed: random() * 100 < failures }));
  });
}

describe('the limits of what sums say', () => {
  it('hold for the breaker of an agent, whatever the order of the calls', () => {
    let [must, no] = [0, 0];
    fc.assert(
      fc.property(stories, trips, ({ processes, steps, seed }, trip) => {
        const random = randomOf(seed);
        const recovery = { openDuration: '10s' };
        const all = Array.from({ length: processes }, () => callsOf(steps, random));
        const sums = steps.map((_, i) => {
          const own = all.flatMap((one) => one[i]!);
          const failed = own.filter((call) => call.failed).length;
          const slow = { slow: 0, slowLeast: 0, slowMost: 0 };
          return { calls: own.length, failed, ...slow, rejected: 0, open: 0 };
        });
        const numbers = numbersOf({ trip, recovery })!;
        const { verdicts, openMs, rejected } = limitsOf(
          { begin: 0, stepMs: STEP_MS, steps: sums },
          numbers,
          processes,
        )!;
        const opened = steps.map(() => false);
        const notClosed = steps.map(() => false);
        let refused = 0;
        for (const process of all) {
          let step = 0;
          const breaker = new ReplayBreaker(
            { trip, recovery },
            {
              startAt: -REPORT_MS,
              onTransition: ({ from, to }) => {
                if (to === 'open' && from === 'closed') opened[step] = true;
              },
            },
          );
          process.forEach((calls, i) => {
            step = i;
            for (const { at, failed } of calls) {
              const permit = breaker.enter(at);
              if (permit === null) refused += 1;
              else breaker.settle(permit, failed ? 'failure' : 'success', at);
              if (breaker.stateAt(at) !== 'closed') notClosed[i] = true;
            }
          });
        }
        verdicts.forEach((verdict, i) => {
          if (verdict === 'must') expect(notClosed[i]).toBe(true);
          if (verdict === 'no') expect(opened[i]).toBe(false);
        });
        must += verdicts.filter((one) => one === 'must').length;
        no += verdicts.filter((one) => one === 'no').length;
        expect(refused).toBeLessThanOrEqual(rejected);
        if (notClosed.includes(true)) expect(openMs).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
    // Both are said often enough to mean something.
    expect(Math.min(must, no)).toBeGreaterThan(300);
  }, 60_000);
});
