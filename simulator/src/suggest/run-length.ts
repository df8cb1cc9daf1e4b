import { FAILURE, IGNORED, type Trace, UNKNOWN } from '../calls/trace.ts';
import type { Incident } from '../calm/incidents.ts';
import { runFloor, SHORTEST_RUN } from './recipe.ts';

/** How many failures in a row open the circuit, and what was recorded that says so. */
export interface RunChoice {
  readonly run: number;
  /** The longest run of failures outside of incidents. */
  readonly longestCalm: number;
  /** The longest run inside of incidents. */
  readonly longestIncident: number;
  readonly failures: number;
  /** Whether recorded failures took it below the floor. */
  readonly isLowered: boolean;
}

const LONGEST = 20;
/** Longer than the longest calm run by so many: one where calls are seldom, as a month then holds fewer runs. */
const roomAt = (rate: number) => (rate >= 1 ? 2 : 1);
/** Below this many recorded failures nothing is lowered. */
const ENOUGH_FAILURES = 5;
/** Where so many calls fail, runs are everyday. */
const OFTEN = 0.2;

/**
 * The shortest run of failures that calm traffic does not show, and some room. It is below the floor only where longer
 * runs of incidents were recorded, so that what a lower number finds is known.
 *
 * @param rate calls a second of one process.
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
