import { describe, expect, it } from '@jest/globals';
import { replay, type Spec } from '../src/replay/replay.ts';
import { countCrossings, dependentRuns, runCompletions } from '../src/statistics/false-opening-formulas.ts';
import { coverage } from './coverage.ts';
import { made } from './generator.ts';

const CALLS = 80_000;

/** How often a policy opens on independent failures; it closes again with the next good call. */
function openings(trip: Spec['trip'], failing: number): number {
  const trace = made({ seconds: CALLS, rate: 1, failing }, 7);
  const atOnce = { ...trace, duration: trace.duration.fill(0) };
  const { transitions } = replay({ trip: trip!, recovery: { openDuration: '1ms' } }, atOnce);
  return transitions.filter(({ from, to }) => from === 'closed' && to === 'open').length;
}

/** Four standard deviations of a Poisson count. */
const noise = (expected: number) => 4 * Math.sqrt(expected);

describe('false openings of a replay', () => {
  it.each([0.1, 0.15, 0.2])('are those of the formula for runs at %f failing', (failing) => {
    const expected = CALLS * runCompletions(5, failing);
    expect(Math.abs(openings({ consecutiveFailures: 5 }, failing) - expected)).toBeLessThan(
      noise(expected) + 0.05 * expected,
    );
  });

  it.each([0.05, 0.08])(
    'are those of the exact crossings of a Count window at %f failing, or a little fewer',
    (failing) => {
      const expected = CALLS * countCrossings(20, 6, failing);
      const trip = {
        window: { type: 'Count', size: 20 },
        minimumCalls: 20,
        failureRate: { thresholdPercent: 30 },
      } as const;
      const seen = openings(trip, failing);
      expect(seen).toBeLessThan(expected + noise(expected));
      expect(seen).toBeGreaterThan(0.7 * expected - noise(expected));
    },
  );

  it('grow where one failure makes the next more likely', () => {
    const starts = CALLS * 0.01;
    expect(dependentRuns(5, starts, 0.4)).toBeCloseTo(starts * 0.4 ** 4, 9);
    expect(dependentRuns(5, starts, 0.4)).toBeGreaterThan(1_000 * CALLS * runCompletions(5, 0.01));
  });

  it('stay within the promised limit on traffic with bursts', () => {
    const { held, perMonth } = coverage(20, 1, 15);
    expect(perMonth).toBeGreaterThan(1);
    expect(held).toBeGreaterThanOrEqual(17);
  });
});
