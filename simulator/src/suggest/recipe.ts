import { type CalmFigures, calmQuantile } from '../calm/figures.ts';
import { type Form, type Rule, twoDigits } from './rule.ts';

/** Lower limits of a rule's values. Only recorded failures justify lower ones. */
export const FLOORS = { minimumCalls: 10, failurePercent: 50, consecutiveFailures: 5, slowPercent: 50 } as const;
/** With fewer successes, their durations are not reliable. */
export const ENOUGH_DURATIONS = 30;
/** A shorter call never counts as slow, because a pause of the process may take as long. */
export const SHORTEST_SLOW_MS = 50;
/** A window should contain twice the minimum of calls, or else it has too few calls half of the time. */
const ROOM = 2;
/** The minimum for a busy breaker is a second of calls, up to this limit. */
const MOST_MINIMUM = 100;

/**
 * The default policy when data or failures are missing: it fits the rate of calls, and its other values are
 * conservative.
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

/** With few recorded calls, nine in ten count as normal. */
const CAREFUL_PERCENTILE = 0.9;
/** A slow call takes three times as long as a normal one, which calm calls seldom do. */
const TIMES_USUAL = 3;
/**
 * When a fifth of calm calls are slow, six slow calls of ten occur by chance sixty times as often as twelve of twenty.
 */
const ENOUGH_FOR_SHARE = 20;
const MOST_ARE_SLOW = 60;

/**
 * The plain rule for slow calls: most of twenty calls take three times as long as normal.
 *
 * @param percentile the share of calm calls that never count as slow, 0 to 1.
 */
export function plainSlow(figures: CalmFigures, percentile: number) {
  const limit = Math.max(TIMES_USUAL * calmQuantile(figures, 0.5)!, calmQuantile(figures, percentile)!);
  return {
    form: formFor(figures.rate, ENOUGH_FOR_SHARE),
    minimumCalls: Math.min(MOST_MINIMUM, Math.max(ENOUGH_FOR_SHARE, twoDigits(figures.rate))),
    slow: { percent: MOST_ARE_SLOW, slowerThanMs: Math.max(SHORTEST_SLOW_MS, twoDigits(limit)) },
  };
}

/** The shortest time window with enough calls at a rate; a Count window when there is none. */
function formFor(rate: number, minimumCalls: number): Form {
  const ms = [10_000, 20_000, 30_000, 60_000].find((each) => (rate * each) / 1_000 >= ROOM * minimumCalls);
  return ms === undefined ? { type: 'Count', size: minimumCalls } : { type: 'Time', ms };
}

export const SHORTEST_RUN = 3;
/** How often the call after a failed one also fails, outside of incidents; measured on recorded series. */
const FAILS_AGAIN = 0.4;

/**
 * The number of consecutive failures that opens a circuit without other evidence: five at one call per second and
 * above. A process with fewer calls has fewer runs of failures in a month. A shorter run is then as rare in a month,
 * and five calls would take minutes.
 *
 * @param rate calls per second of one process; 0: unknown, which gives five.
 */
export function runFloor(rate: number): number {
  if (rate <= 0) return FLOORS.consecutiveFailures;
  const as = FLOORS.consecutiveFailures - Math.log(rate) / Math.log(FAILS_AGAIN);
  return Math.min(FLOORS.consecutiveFailures, Math.max(SHORTEST_RUN, Math.ceil(as)));
}

/**
 * A busy breaker is probed soon, because an open second costs many good calls. For a quiet one, an early probe costs
 * more than it saves.
 */
export function openTimeFor(rate: number): number {
  return rate >= 5 ? 5_000 : rate >= 0.5 ? 10_000 : 30_000;
}
