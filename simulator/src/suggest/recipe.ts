import { type CalmFigures, calmQuantile } from '../calm/figures.ts';
import { type Form, type Rule, twoDigits } from './rule.ts';

/** Below these only recorded failures take a rule. */
export const FLOORS = { minimumCalls: 10, failurePercent: 50, consecutiveFailures: 5, slowPercent: 50 } as const;
/** With fewer successes their durations say too little. */
export const ENOUGH_DURATIONS = 30;
/** No call under this is called slow: a pause of the process is as long. */
export const SHORTEST_SLOW_MS = 50;
/** A window should hold twice the calls that it takes to judge, or it is blind half of the time. */
const ROOM = 2;
/** A busy breaker is judged by a second of calls, but by no more than this. */
const MOST_MINIMUM = 100;

/**
 * A policy for a kind of traffic, where data or failures are missing: what fits the rate of calls, careful in
 * everything else.
 */
export function recipeFor(figures: CalmFigures): Rule {
  const slow = calmQuantile(figures, 0.95);
  return {
    form: formFor(figures.rate, FLOORS.minimumCalls),
    minimumCalls: Math.min(MOST_MINIMUM, Math.max(FLOORS.minimumCalls, twoDigits(figures.rate))),
    failurePercent: FLOORS.failurePercent,
    consecutiveFailures: FLOORS.consecutiveFailures,
    ...(slow === undefined || figures.durations.length < ENOUGH_DURATIONS
      ? {}
      : { slow: { percent: 80, slowerThanMs: Math.max(SHORTEST_SLOW_MS, twoDigits(slow * 1.2)) } }),
    openMs: openTimeFor(figures.rate),
  };
}

/** The shortest window that holds enough calls at a rate; a number of calls where none does. */
function formFor(rate: number, minimumCalls: number): Form {
  const ms = [10_000, 20_000, 30_000, 60_000].find((each) => (rate * each) / 1_000 >= ROOM * minimumCalls);
  return ms === undefined ? { type: 'Count', size: minimumCalls } : { type: 'Time', ms };
}

/**
 * Busy breakers are asked again soon, as an open second costs many good calls; quiet ones would only spend a probe on
 * it.
 */
export function openTimeFor(rate: number): number {
  return rate >= 5 ? 5_000 : rate >= 0.5 ? 10_000 : 30_000;
}
