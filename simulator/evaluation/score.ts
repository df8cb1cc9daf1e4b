import { FAILURE, firstAt, type Trace } from '../src/calls/trace.ts';
import type { Transition } from '../src/replay/replay.ts';
import { median } from '../src/statistics/limits.ts';
import type { Edge, VisibleIncident } from './series.ts';

/** Around an incident nobody knows to the second when it began: openings there are neither right nor false. */
const MARGIN_MS = 30_000;

/** What a gate did on one edge. */
export interface Done {
  readonly rejected: Uint8Array;
  readonly transitions: readonly Transition[];
}

export interface IncidentScore {
  readonly edge: Edge;
  readonly incident: VisibleIncident;
  readonly learned: boolean;
  /** How long after its beginning it was open; undefined: never while it lasted. */
  readonly delayMs: number | undefined;
  /** Calls that failed, or that were slow in a slow incident. */
  readonly bad: number;
  readonly badSpared: number;
  readonly good: number;
  readonly goodRejected: number;
}

export interface EdgeScore {
  readonly edge: Edge;
  readonly incidents: readonly IncidentScore[];
  readonly falseOpenings: readonly Transition[];
  /** Recorded days, without gaps. */
  readonly days: number;
  readonly calmCalls: number;
  readonly calmRejected: number;
}

/** @param learned for each incident, whether there was enough before it to learn from. */
export function score(edge: Edge, { rejected, transitions }: Done, learned: readonly boolean[]): EdgeScore {
  const { trace, incidents } = edge;
  const isOpenAt = openAt(transitions);
  const slow = slowLimit(edge);
  const isMarked = new Uint8Array(trace.start.length);
  const scores = incidents.map((incident, at) => {
    const counts = { bad: 0, badSpared: 0, good: 0, goodRejected: 0 };
    const [first, last] = [firstAt(trace.start, incident.start), firstAt(trace.start, incident.end + 1)];
    for (let i = first; i < last; i++) {
      isMarked[i] = 1;
      const isBad = trace.outcome[i] === FAILURE || (incident.kinds.includes('slow') && trace.duration[i]! > slow);
      counts[isBad ? 'bad' : 'good']++;
      if (rejected[i] === 1) counts[isBad ? 'badSpared' : 'goodRejected']++;
    }
    const opened = isOpenAt(incident.start)
      ? incident.start
      : transitions.find(({ to, at: when }) => to === 'open' && when >= incident.start && when <= incident.end)?.at;
    const delayMs = opened === undefined ? undefined : opened - incident.start;
    return { edge, incident, learned: learned[at]!, delayMs, ...counts };
  });
  const nearIncident = (at: number) =>
    incidents.some(({ start, end }) => at >= start - MARGIN_MS && at <= end + MARGIN_MS);
  let [calmCalls, calmRejected] = [0, 0];
  for (let i = 0; i < rejected.length; i++) {
    if (isMarked[i] === 1) continue;
    calmCalls++;
    calmRejected += rejected[i]!;
  }
  return {
    edge,
    incidents: scores,
    falseOpenings: transitions.filter(({ from, to, at }) => from === 'closed' && to === 'open' && !nearIncident(at)),
    days: recordedMs(edge) / 86_400_000,
    calmCalls,
    calmRejected,
  };
}

function openAt(transitions: readonly Transition[]): (at: number) => boolean {
  return (at) => {
    const last = transitions.findLast((each) => each.at <= at);
    return last !== undefined && last.to !== 'closed';
  };
}

/** The ruler of the series: three times the usual median and 50 ms above it. */
function slowLimit({ trace, incidents }: Edge): number {
  const usual = median(calmDurations(trace, incidents)) ?? median(trace.duration) ?? 0;
  return Math.max(3 * usual, usual + 50);
}

function calmDurations(trace: Trace, incidents: readonly VisibleIncident[]): Float64Array {
  return trace.duration.filter(
    (_, i) => !incidents.some(({ start, end }) => trace.start[i]! >= start && trace.start[i]! <= end),
  );
}

/** How long the series recorded the edge. */
function recordedMs({ trace, gaps }: Edge): number {
  const [from, to] = [trace.start[0]!, trace.start.at(-1)!];
  const missing = gaps.reduce((sum, [begin, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(begin, from)), 0);
  return Math.max(1, to - from - missing);
}
