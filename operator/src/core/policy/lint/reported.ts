import { DEFAULTS, hasRate, type PolicySpec, parseDuration } from '@fuseboard/schema';
import type { Finding } from './finding.ts';

/** What agents of one replica reported of a breaker: sums over all of them, in steps of time. */
export interface ReportedCalls {
  /** How many agents have the breaker now. Earlier numbers are not known, so it is taken for all of the time. */
  readonly agents: number;
  readonly stepMs: number;
  /** Calls that ended in each complete step. Rejected calls are not among them. */
  readonly calls: readonly number[];
  /** The upper bounds of the latency rows, in milliseconds. The last row also counts all slower calls. */
  readonly boundsMs: readonly number[];
  /** For each longer step: the calls of every row, one after the other. */
  readonly latency: readonly number[];
}

/** With less of it, a share of the time says little. */
const ENOUGH_MS = 600_000;

/** A rate that is judged for less of the time hardly protects. */
const REACHED_ENOUGH = 0.5;

const percent = (share: number) => `${Math.round(100 * share)} %`;

/**
 * Values that do not fit the calls that agents reported of one breaker: a rate that is seldom judged, and a limit for
 * slow calls that is usually exceeded. Calls are taken to be spread evenly over a step and over the agents.
 *
 * @returns undefined when there were calls for less than ten minutes, or no agent is left.
 */
export function lintReported({ trip }: PolicySpec, reported: readonly ReportedCalls[]): Finding[] | undefined {
  const known = reported.filter(({ agents }) => agents > 0);
  const activeMs = Math.max(0, ...known.map(({ calls, stepMs }) => stepMs * calls.filter((count) => count > 0).length));
  if (activeMs < ENOUGH_MS) return undefined;
  if (trip === undefined) return [];
  const found: Finding[] = [];
  if (hasRate(trip)) {
    const { minimumCalls = DEFAULTS.trip.minimumCalls } = trip;
    const share = mean(known.map((one) => [reachedShare(trip, one), one.agents]));
    if (share < REACHED_ENOUGH) {
      const message = `minimumCalls (${minimumCalls}) is reached about ${percent(share)} of the time; a rate opens the circuit in that time only; lower it, widen the window, or add consecutiveFailures`;
      found.push({ field: 'trip.minimumCalls', message });
    }
  }
  if (trip.slowCallRate !== undefined) {
    const { slowerThan, thresholdPercent } = trip.slowCallRate;
    const limit = parseDuration(slowerThan)!;
    const share = mean(known.map((one) => [slowShare(one, limit, thresholdPercent), one.agents]));
    if (share > 0.5) {
      const message = `in ${percent(share)} of the time at least ${thresholdPercent} % of calls, which open the circuit, are slower than ${slowerThan}; raise it`;
      found.push({ field: 'trip.slowCallRate.slowerThan', message });
    }
  }
  return found;
}

/** The mean of values, each with its weight. */
function mean(values: readonly (readonly [value: number, weight: number])[]): number {
  const [sum, weights] = values.reduce(([all, of], [value, weight]) => [all + value * weight, of + weight], [0, 0]);
  return sum / weights;
}

/** The share of steps with calls at whose end the window of an agent has enough of them. */
function reachedShare(trip: NonNullable<PolicySpec['trip']>, { calls, stepMs, agents }: ReportedCalls): number {
  const window = trip.window ?? DEFAULTS.trip.window;
  const minimum = trip.minimumCalls ?? DEFAULTS.trip.minimumCalls;
  const wanted = agents * (window.type === 'Count' ? Math.min(minimum, window.size!) : minimum);
  const steps = window.type === 'Time' ? parseDuration(window.duration)! / stepMs : Number.POSITIVE_INFINITY;
  let [active, reached] = [0, 0];
  calls.forEach((count, at) => {
    if (count === 0) return;
    active++;
    let [inWindow, left] = [0, steps];
    for (let step = at; step >= 0 && left > 0 && inWindow < wanted; step--, left--) {
      inWindow += calls[step]! * Math.min(1, left);
    }
    if (inWindow >= wanted) reached++;
  });
  return active === 0 ? 0 : reached / active;
}

/** The share of longer steps with calls in which surely so many percent of the calls exceed a limit. */
function slowShare({ boundsMs, latency }: ReportedCalls, limitMs: number, thresholdPercent: number): number {
  let [active, slow] = [0, 0];
  for (let from = 0; from < latency.length; from += boundsMs.length) {
    const rows = latency.slice(from, from + boundsMs.length);
    const all = rows.reduce((sum, count) => sum + count, 0);
    if (all === 0) continue;
    active++;
    const above = rows.reduce((sum, count, row) => (row > 0 && boundsMs[row - 1]! >= limitMs ? sum + count : sum), 0);
    if (above * 100 >= all * thresholdPercent) slow++;
  }
  return active === 0 ? 0 : slow / active;
}
