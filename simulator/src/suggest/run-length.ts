import { FAILURE, IGNORED, type Trace, UNKNOWN } from '../calls/trace.ts';
import type { Incident } from '../calm/incidents.ts';
import { runFloor } from './recipe.ts';
import { TUNING, type Tuning } from './tuning.ts';

/** The number of consecutive failures that opens the circuit, with the recorded evidence. */
export interface RunChoice {
  readonly run: number;
  /** The longest run of failures outside of incidents. */
  readonly longestCalm: number;
  /** The longest run outside of incidents that another one reached too. */
  readonly usualCalm: number;
  /** The longest run during incidents. */
  readonly longestIncident: number;
  readonly failures: number;
  /** Whether recorded failures justify a run below the floor. */
  readonly isLowered: boolean;
}

/** The run stays at the floor with fewer recorded failures than this. */
const ENOUGH_FAILURES = 5;
/** At this share of failed calls, runs are normal. */
const OFTEN = 0.2;

/**
 * The shortest run of failures that is longer than the usual ones in calm traffic, with a margin. A run that calm
 * traffic shows once does not raise it, because an outage too short to be told from calm shows one too. It is below the
 * floor only when longer runs were recorded in incidents and all calm runs are shorter, so that the effect of a lower
 * number is known.
 *
 * It is never more than a small multiple of the floor: a circuit that needs a dozen failures in a row at two calls a
 * minute stays closed in every outage of five minutes, which costs more than the few good calls of a false opening.
 *
 * @param rate calls per second of one process.
 */
export function runLength(
  traces: readonly Trace[],
  incidents: readonly Incident[],
  rate: number,
  tuning: Tuning = TUNING,
): RunChoice {
  const calm: number[] = [];
  let [longestIncident, failures, calls] = [0, 0, 0];
  for (const { start, duration, outcome } of traces) {
    let run = 0;
    let isInside = false;
    const ended = () => {
      if (isInside) longestIncident = Math.max(longestIncident, run);
      else if (run > 0) calm.push(run);
      run = 0;
      isInside = false;
    };
    for (let i = 0; i < start.length; i++) {
      if (outcome[i] === IGNORED || outcome[i] === UNKNOWN) continue;
      calls++;
      if (outcome[i] !== FAILURE) {
        ended();
        continue;
      }
      failures++;
      run++;
      const end = start[i]! + duration[i]!;
      isInside ||= incidents.some(({ from, to }) => end >= from && start[i]! <= to);
    }
    ended();
  }
  const [longestCalm = 0, usualCalm = 0] = calm.sort((a, b) => b - a);
  const room = rate >= 1 ? tuning.runRoom : tuning.runRoom - 1;
  const usual = runFloor(rate, tuning);
  const lower = Math.max(tuning.shortestRun, longestCalm + room);
  const isLowered =
    failures >= ENOUGH_FAILURES && failures < OFTEN * calls && longestIncident >= tuning.shortestRun && lower < usual;
  const run = isLowered ? lower : Math.max(usual, Math.min(tuning.mostRuns * usual, usualCalm + room));
  return { run, longestCalm, usualCalm, longestIncident, failures, isLowered };
}
