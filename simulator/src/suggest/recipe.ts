import { type CalmFigures, calmQuantile } from '../calm/figures.ts';
import { type Form, type Rule, twoDigits } from './rule.ts';
import { TUNING, type Tuning } from './tuning.ts';

/** With fewer successes, their durations are not reliable. */
export const ENOUGH_DURATIONS = 30;
/** A shorter call never counts as slow, because a pause of the process may take as long. */
export const SHORTEST_SLOW_MS = 50;
/** The minimum for a busy breaker is a second of calls, up to this limit. */
const MOST_MINIMUM = 100;

/**
 * The default policy when data or failures are missing: it fits the rate of calls, and its other values are
 * conservative. Only recorded failures justify lower ones.
 */
export function recipeFor(figures: CalmFigures, tuning: Tuning = TUNING): Rule {
  const { minimumCalls, failurePercent, carefulPercentile } = tuning;
  return {
    form: formFor(figures.rate, minimumCalls, tuning),
    minimumCalls: Math.min(MOST_MINIMUM, Math.max(minimumCalls, twoDigits(figures.rate))),
    failurePercent,
    consecutiveFailures: runFloor(figures.rate, tuning),
    ...(figures.durations.length < ENOUGH_DURATIONS ? {} : plainSlow(figures, carefulPercentile, tuning)),
    openMs: openTimeFor(figures.rate, tuning),
  };
}

/**
 * The plain rule for slow calls: most of twenty calls take three times as long as normal.
 *
 * @param percentile the share of calm calls that never count as slow, 0 to 1.
 */
export function plainSlow(figures: CalmFigures, percentile: number, tuning: Tuning = TUNING) {
  const { timesUsual, slowCalls, slowPercent } = tuning;
  const limit = Math.max(timesUsual * calmQuantile(figures, 0.5)!, calmQuantile(figures, percentile)!);
  return {
    form: formFor(figures.rate, slowCalls, tuning),
    minimumCalls: Math.min(MOST_MINIMUM, Math.max(slowCalls, twoDigits(figures.rate))),
    slow: { percent: slowPercent, slowerThanMs: Math.max(SHORTEST_SLOW_MS, twoDigits(limit)) },
  };
}

/** The shortest time window with enough calls at a rate; a Count window when there is none. */
function formFor(rate: number, minimumCalls: number, { windowRoom }: Tuning): Form {
  const ms = [10_000, 20_000, 30_000, 60_000].find((each) => (rate * each) / 1_000 >= windowRoom * minimumCalls);
  return ms === undefined ? { type: 'Count', size: minimumCalls } : { type: 'Time', ms };
}

/**
 * The number of consecutive failures that opens a circuit without other evidence: five at one call per second and
 * above. A process with fewer calls has fewer runs of failures in a month. A shorter run is then as rare in a month,
 * and five calls would take minutes.
 *
 * @param rate calls per second of one process; 0: unknown, which gives five.
 */
export function runFloor(rate: number, { run, shortestRun, failsAgain }: Tuning = TUNING): number {
  if (rate <= 0) return run;
  const as = run - Math.log(rate) / Math.log(failsAgain);
  return Math.min(run, Math.max(shortestRun, Math.ceil(as)));
}

/**
 * A busy breaker is probed soon, because an open second costs many good calls. For a quiet one, an early probe costs
 * more than it saves.
 */
export function openTimeFor(rate: number, { openMs: [busy, usual, quiet] }: Tuning = TUNING): number {
  return rate >= 5 ? busy : rate >= 0.5 ? usual : quiet;
}
