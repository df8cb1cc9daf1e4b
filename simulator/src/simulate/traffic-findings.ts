import { parseDuration } from '@fuseboard/schema/duration';
import { deal } from '../calls/deal.ts';
import type { BreakerRecording } from '../calls/recording.ts';
import { blindOf } from '../calm/blindness.ts';
import { calmTraces } from '../calm/calm-traces.ts';
import { activeTime, calmFigures } from '../calm/figures.ts';
import { segment } from '../calm/incidents.ts';
import { replay, type Spec } from '../replay/replay.ts';
import { minimumCallsOf } from '../replay/window-of.ts';
import { percent, spoken } from '../report/words.ts';

/** What the recorded calls of a breaker say about a field of its policy. */
export interface TrafficFinding {
  readonly breaker: string;
  /** The field below `spec`. */
  readonly field: string;
  readonly message: string;
  /** Whether the value is probably wrong for this traffic. */
  readonly isProblem: boolean;
}

/** A rate that is judged for less of the time hardly protects. */
const REACHED_ENOUGH = 0.5;

/**
 * Compares a policy with recorded calls: how often its rates can be judged, how many calm calls it takes for slow, and
 * how often it opens outside of incidents.
 *
 * @param processes over how many processes calls are distributed when the record does not name them.
 * @throws {ConfigError} when the spec is invalid.
 */
export function trafficFindings(spec: Spec, recording: BreakerRecording, processes = 1): TrafficFinding[] {
  const { breaker } = recording;
  const { trip } = spec;
  if (trip === undefined || recording.calls === 0) return [];
  const traces =
    !recording.knowsProcesses && processes > 1
      ? recording.traces.flatMap((trace) => deal(trace, processes))
      : recording.traces;
  const calm = calmTraces(traces, segment(traces).incidents);
  const found: TrafficFinding[] = [];
  if (trip.failureRate !== undefined || trip.slowCallRate !== undefined) {
    const reached = 1 - blindOf(spec, traces);
    found.push({
      breaker,
      field: 'trip.minimumCalls',
      message: `minimumCalls (${minimumCallsOf(trip)}) is reached ${percent(reached)} of the time; a rate opens the circuit in that time only`,
      isProblem: reached < REACHED_ENOUGH,
    });
  }
  const { durations } = calmFigures(calm);
  if (trip.slowCallRate !== undefined && durations.length > 0) {
    const { slowerThan, thresholdPercent } = trip.slowCallRate;
    const limit = parseDuration(slowerThan) ?? 0;
    const share = durations.filter((ms) => ms > limit).length / durations.length;
    found.push({
      breaker,
      field: 'trip.slowCallRate.slowerThan',
      message: `${percent(share)} of calm calls are slower than ${slowerThan}; ${thresholdPercent} % open the circuit`,
      isProblem: share * 100 >= thresholdPercent,
    });
  }
  const openings = calm.flatMap((trace) =>
    replay(spec, trace).transitions.filter(({ from, to }) => from === 'closed' && to === 'open'),
  );
  found.push({
    breaker,
    field: 'trip',
    message: `opens ${openings.length === 1 ? 'once' : `${openings.length} times`} outside of incidents, in ${spoken(activeTime(calm))} of a process${openings.length === 0 ? '' : `; first by ${openings[0]!.reason}`}`,
    isProblem: openings.length > 0,
  });
  return found;
}
