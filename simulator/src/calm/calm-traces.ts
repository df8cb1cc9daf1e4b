import { between, type Trace } from '../calls/trace.ts';
import type { Stretch } from './incidents.ts';

/** The calls of a process between incidents: one trace for each calm stretch with a call. */
export function calmTraces(traces: readonly Trace[], incidents: readonly Stretch[]): Trace[] {
  const sorted = [...incidents].sort((a, b) => a.from - b.from);
  const found: Trace[] = [];
  for (const trace of traces) {
    let from = Number.NEGATIVE_INFINITY;
    for (const incident of [...sorted, { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY }]) {
      const part = withoutCallsInto(between(trace, from, incident.from), incident.from);
      if (part.start.length > 0) found.push(part);
      from = Math.max(from, incident.to);
    }
  }
  return found;
}

/** Drops calls that were still running when the next incident started, because it may have made them long. */
function withoutCallsInto(trace: Trace, until: number): Trace {
  const { start, duration } = trace;
  if (until === Number.POSITIVE_INFINITY || !start.some((at, i) => at + duration[i]! > until)) return trace;
  const stays = (_: number, i: number) => start[i]! + duration[i]! <= until;
  return {
    process: trace.process,
    start: start.filter(stays),
    duration: duration.filter(stays),
    outcome: trace.outcome.filter(stays),
    ...(trace.key === undefined ? {} : { key: trace.key.filter(stays) }),
  };
}
