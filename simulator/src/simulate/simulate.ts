import { deal } from '../calls/deal.ts';
import type { BreakerRecording } from '../calls/recording.ts';
import { between, callsIn, spanOf, type Trace, UNKNOWN } from '../calls/trace.ts';
import { blindOf } from '../calm/blindness.ts';
import { activeTime } from '../calm/figures.ts';
import { type Segmentation, type SegmentOptions, segment } from '../calm/incidents.ts';
import { type Replay, replay, type Spec, timeoutOf } from '../replay/replay.ts';
import { type Schedule, scheduleOf } from '../replay/schedule.ts';
import { type OpeningsLimit, openingsLimit } from '../statistics/openings-limit.ts';
import { type IncidentFigures, incidentFigures } from './incident-figures.ts';
import { type Lane, type Load, lane, load } from './timeline.ts';

/**
 * The reliability of a figure. `counted`: counted in the record. `bounded`: between the given limits. `assumed`: based
 * on an assumption that the record does not confirm.
 */
export type Mark = 'counted' | 'bounded' | 'assumed';

/** A policy with the name for its figures. */
export interface NamedPolicy {
  readonly name: string;
  readonly spec: Spec;
}

export interface SimulateOptions extends SegmentOptions {
  /**
   * Number of processes over which calls are distributed when the record does not name the caller. Absent: all calls
   * are from one process.
   */
  readonly processes?: number;
  /** Called after each policy. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** A circuit opening with its reason. */
interface Opening {
  readonly process: string;
  readonly at: number;
  readonly reason: string;
  /** The number of its incident, starting at 1; absent for a false opening. */
  readonly incident?: number;
}

/** The effects that a policy would have had. Times are milliseconds of the record, shares 0 to 1. */
export interface PolicyFigures {
  readonly name: string;
  readonly spec: Spec;
  readonly falseOpenings: OpeningsLimit;
  readonly openings: readonly Opening[];
  readonly incidents: readonly IncidentFigures[];
  /** The share of calls outside of incidents that the policy would have rejected. */
  readonly calmRejected: number;
  /** The share of time in which the window has too few calls for a rate. */
  readonly blind: number;
  /** Number of state changes over all processes. */
  readonly switches: number;
  /** Whether the policy has a random part: jitter or a ramp. */
  readonly isRandom: boolean;
  readonly lane: Lane;
}

export interface Simulation {
  readonly breaker: string;
  readonly calls: number;
  readonly failures: number;
  /** Calls that were already rejected when they were recorded. No figure includes them. */
  readonly unknown: number;
  readonly from: number;
  readonly to: number;
  readonly processes: number;
  readonly assumedProcesses: boolean;
  readonly segmentation: Segmentation;
  readonly load: Load;
  readonly policies: readonly PolicyFigures[];
  /** Limits of the record that affect these figures. */
  readonly notKnown: readonly string[];
}

/**
 * Replays the calls of a breaker under each policy, with a separate breaker for each process.
 *
 * @throws {ConfigError} when a policy is invalid.
 * @throws RangeError when there is no call.
 */
export function simulate(
  recording: BreakerRecording,
  policies: readonly NamedPolicy[],
  options: SimulateOptions = {},
): Simulation {
  const { processes = 1, onProgress = () => {} } = options;
  const assumedProcesses = !recording.knowsProcesses;
  const traces =
    assumedProcesses && processes > 1 ? recording.traces.flatMap((trace) => deal(trace, processes)) : recording.traces;
  const span = spanOf(traces);
  if (span === undefined)
    throw new RangeError(`no call of "${recording.breaker}" was recorded; nothing can be replayed`);
  const segmentation = segment(traces, options);
  const schedules = new Map<number, Schedule[]>();
  const figures = policies.map((policy, at) => {
    const timeout = timeoutOf(policy.spec);
    let order = schedules.get(timeout);
    if (order === undefined) {
      order = traces.map((trace) => scheduleOf(trace, timeout));
      schedules.set(timeout, order);
    }
    const done = policyFigures(policy, traces, order, segmentation, span);
    onProgress(at + 1, policies.length);
    return done;
  });
  return {
    breaker: recording.breaker,
    calls: callsIn(traces),
    failures: recording.failures,
    unknown: recording.rejected,
    ...span,
    processes: traces.length,
    assumedProcesses,
    segmentation,
    load: load(traces, span, segmentation.slowMs),
    policies: figures,
    notKnown: notKnown(recording, assumedProcesses, policies),
  };
}

function policyFigures(
  { name, spec }: NamedPolicy,
  traces: readonly Trace[],
  schedules: readonly Schedule[],
  { incidents, slowMs }: Segmentation,
  span: { readonly from: number; readonly to: number },
): PolicyFigures {
  const replays = traces.map((trace, at) => replay(spec, trace, schedules[at]!, at + 1));
  const openings = replays.flatMap(({ trace, transitions }) =>
    transitions
      .filter(({ from, to }) => from === 'closed' && to === 'open')
      .map(({ at, reason }): Opening => {
        const inside = incidents.findIndex(({ from, to }) => at >= from && at <= to);
        return { process: trace.process, at, reason, ...(inside < 0 ? {} : { incident: inside + 1 }) };
      }),
  );
  const falseTimes = replays.map(({ trace }) =>
    openings.filter((each) => each.incident === undefined && each.process === trace.process).map(({ at }) => at),
  );
  const [calmCalls, calmRejected] = outside(replays, incidents);
  return {
    name,
    spec,
    falseOpenings: openingsLimit(falseTimes, Math.max(0, activeTime(traces) - activeTime(inside(traces, incidents)))),
    openings,
    incidents: incidents.map((incident, at) =>
      incidentFigures(replays, incident, incidents[at + 1]?.from ?? span.to, slowMs),
    ),
    calmRejected: calmCalls === 0 ? 0 : calmRejected / calmCalls,
    blind: blindOf(spec, traces),
    switches: replays.reduce((sum, { transitions }) => sum + transitions.length, 0),
    isRandom: (spec.recovery?.jitterPercent ?? 0) > 0 || spec.recovery?.halfOpen?.strategy === 'Ramp',
    lane: lane(replays, span),
  };
}

function inside(traces: readonly Trace[], incidents: Segmentation['incidents']): Trace[] {
  return incidents.flatMap(({ from, to }) => traces.map((trace) => between(trace, from, to)));
}

function outside(replays: readonly Replay[], incidents: Segmentation['incidents']): [calls: number, rejected: number] {
  let [calls, rejectedCalls] = [0, 0];
  for (const { trace, rejected } of replays) {
    for (let i = 0; i < rejected.length; i++) {
      if (
        trace.outcome[i] === UNKNOWN ||
        incidents.some(({ from, to }) => trace.start[i]! >= from && trace.start[i]! <= to)
      )
        continue;
      calls++;
      rejectedCalls += rejected[i]!;
    }
  }
  return [calls, rejectedCalls];
}

function notKnown(
  { rejected, withoutDuration, calls }: BreakerRecording,
  assumedProcesses: boolean,
  policies: readonly NamedPolicy[],
): string[] {
  const found = ['what the lighter load would have changed', 'what rejected callers would have tried again'];
  if (rejected > 0)
    found.push(`the outcome of ${rejected} calls that were rejected when they were recorded; they are left out`);
  if (withoutDuration > 0)
    found.push(
      `how long ${withoutDuration} of ${calls} calls took: slow calls and time limits cannot be judged by them`,
    );
  if (assumedProcesses) found.push('which process made a call: every figure depends on how many there were');
  if (policies.some(({ spec }) => spec.retry !== undefined))
    found.push('what retries would have done: they are not replayed');
  if (policies.some(({ spec }) => spec.concurrency !== undefined))
    found.push('whom the limit of concurrent calls would have refused: it is not replayed');
  if (policies.some(({ spec }) => spec.timeout?.adaptive !== undefined))
    found.push('where a time limit that adapts would have been: it is not replayed');
  return found;
}
