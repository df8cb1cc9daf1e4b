import { FAILURE, IGNORED, type Trace, UNKNOWN } from '../calls/trace.ts';
import type { Incident } from '../calm/incidents.ts';
import { runFloor, SHORTEST_RUN } from './recipe.ts';

/** The number of consecutive failures that opens the circuit, with the recorded evidence. */
export interface RunChoice {
  readonly run: number;
  /** The longest run of failures outside of incidents. */
  readonly longestCalm: number;
  /** The longest run during incidents. */
  readonly longestIncident: number;
  readonly failures: number;
  /** Whether recorded failures justify a run below the floor. */
  readonly isLowered: boolean;
}

const LONGEST = 20;
/** Margin above the longest calm run. It is smaller at a low rate, because a month then contains fewer runs. */
const roomAt = (rate: number) => (rate >= 1 ? 2 : 1);
/** The run stays at the floor with fewer recorded failures than this. */
const ENOUGH_FAILURES = 5;
/** At this share of failed calls, runs are normal. */
const OFTEN = 0.2;

/**
 * The shortest run of failures that is longer than any in calm traffic, with a margin. It is below the floor only when
 * longer runs were recorded in incidents, so that the effect of a lower number is known.
 *
 * @param rate calls per second of one process.
 */
export function runLength(traces: readonly Trace[], incidents: readonly Incident[], rate: number): RunChoice {
  let [longestCalm, longestIncident, failures, calls] = [0, 0, 0, 0];
  for (const { start, duration, outcome } of traces) {
    let run = 0;
    let isInside = false;
    for (let i = 0; i < start.length; i++) {
      if (outcome[i] === IGNORED || outcome[i] === UNKNOWN) continue;
      calls++;
      if (outcome[i] !== FAILURE) {
        run = 0;
        isInside = false;
        continue;
      }
      failures++;
      run++;
      const end = start[i]! + duration[i]!;
      isInside ||= incidents.some(({ from, to }) => end >= from && start[i]! <= to);
      if (isInside) longestIncident = Math.max(longestIncident, run);
      else longestCalm = Math.max(longestCalm, run);
    }
  }
  const needed = longestCalm + roomAt(rate);
  const isLowered =
    failures >= ENOUGH_FAILURES &&
    failures < OFTEN * calls &&
    longestIncident >= SHORTEST_RUN &&
    needed < runFloor(rate);
  const floor = isLowered ? SHORTEST_RUN : runFloor(rate);
  return { run: Math.min(LONGEST, Math.max(floor, needed)), longestCalm, longestIncident, failures, isLowered };
}
