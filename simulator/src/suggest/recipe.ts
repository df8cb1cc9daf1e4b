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
  return {
    form: formFor(figures.rate, FLOORS.minimumCalls),
    minimumCalls: Math.min(MOST_MINIMUM, Math.max(FLOORS.minimumCalls, twoDigits(figures.rate))),
    failurePercent: FLOORS.failurePercent,
    consecutiveFailures: runFloor(figures.rate),
    ...(figures.durations.length < ENOUGH_DURATIONS ? {} : plainSlow(figures, CAREFUL_PERCENTILE)),
    openMs: openTimeFor(figures.rate),
  };
}

/** With few calls recorded, nine in ten are taken for usual. */
const CAREFUL_PERCENTILE = 0.9;
/** Slow is what takes three times as long as usual, where calm calls seldom do. */
const TIMES_USUAL = 3;
/** Where a fifth of calm calls is slow, six of ten are slow by chance sixty times as often as twelve of twenty. */
const ENOUGH_FOR_SHARE = 20;
const MOST_ARE_SLOW = 60;

/**
 * The plain rule for slow calls: most of twenty calls take three times as long as usual.
 *
 * @param percentile the share of calm calls that is never called slow, 0 to 1.
 */
export function plainSlow(figures: CalmFigures, percentile: number) {
  const limit = Math.max(TIMES_USUAL * calmQuantile(figures, 0.5)!, calmQuantile(figures, percentile)!);
  return {
    form: formFor(figures.rate, ENOUGH_FOR_SHARE),
    minimumCalls: Math.min(MOST_MINIMUM, Math.max(ENOUGH_FOR_SHARE, twoDigits(figures.rate))),
    slow: { percent: MOST_ARE_SLOW, slowerThanMs: Math.max(SHORTEST_SLOW_MS, twoDigits(limit)) },
  };
}

/** The shortest window that holds enough calls at a rate; a number of calls where none does. */
function formFor(rate: number, minimumCalls: number): Form {
  const ms = [10_000, 20_000, 30_000, 60_000].find((each) => (rate * each) / 1_000 >= ROOM * minimumCalls);
  return ms === undefined ? { type: 'Count', size: minimumCalls } : { type: 'Time', ms };
}

export const SHORTEST_RUN = 3;
/** How often the call after a failed one fails too, outside of incidents: measured on recorded series. */
const FAILS_AGAIN = 0.4;

/**
 * The run of failures that opens a circuit where nothing was recorded that says otherwise: five at one call a second
 * and above. A process that calls less often begins fewer runs in a month, so a shorter run is as rare in a month, and
 * five calls would take it minutes.
 *
 * @param rate calls a second of one process; 0: unknown, which gives five.
 */
export function runFloor(rate: number): number {
  if (rate <= 0) return FLOORS.consecutiveFailures;
  const as = FLOORS.consecutiveFailures - Math.log(rate) / Math.log(FAILS_AGAIN);
  return Math.min(FLOORS.consecutiveFailures, Math.max(SHORTEST_RUN, Math.ceil(as)));
}

/**
 * Busy breakers are asked again soon, as an open second costs many good calls; quiet ones would only spend a probe on
 * it.
 */
export function openTimeFor(rate: number): number {
  return rate >= 5 ? 5_000 : rate >= 0.5 ? 10_000 : 30_000;
}
