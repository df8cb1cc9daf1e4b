import { FAILURE, firstAt, IGNORED, UNKNOWN } from '../calls/trace.ts';
import type { Incident } from '../calm/incidents.ts';
import type { Replay } from '../replay/replay.ts';
import { median } from '../statistics/limits.ts';

/** The effects that a policy would have had in an incident. Times are milliseconds. */
export interface IncidentFigures {
  readonly incident: Incident;
  readonly calls: number;
  /** Failed calls; in an incident of slow calls, slow calls too. */
  readonly bad: number;
  /**
   * The median time to open over the processes that opened, from the start of the incident; 0 for a circuit that was
   * already open. Absent: none opened.
   */
  readonly openedAfterMs?: number;
  readonly openedProcesses: number;
  readonly badSpared: number;
  readonly good: number;
  readonly goodRejected: number;
  /**
   * Good calls rejected between the end of the incident and the next incident, or until all its processes had closed.
   */
  readonly goodRejectedAfter: number;
  /** The total duration of the spared calls, in seconds. */
  readonly waitingSparedSeconds: number;
  /** The share of calls that still reached the dependency, 0 to 1. */
  readonly reached: number;
}

/** Recovery ends after this time, because later rejections have another cause. */
const RECOVERY_MS = 600_000;

/** @param next start of the next incident, or end of the record. */
export function incidentFigures(
  replays: readonly Replay[],
  incident: Incident,
  next: number,
  slowMs: number,
): IncidentFigures {
  const { from, to, kinds } = incident;
  const countsSlow = kinds.includes('slow');
  const sum = {
    calls: 0,
    bad: 0,
    badSpared: 0,
    good: 0,
    goodRejected: 0,
    goodRejectedAfter: 0,
    waitedMs: 0,
    reached: 0,
  };
  const delays: number[] = [];
  for (const { trace, transitions, rejected } of replays) {
    const { start, duration, outcome } = trace;
    const isBad = (i: number) => outcome[i] === FAILURE || (countsSlow && duration[i]! > slowMs);
    const last = firstAt(start, to + 1e-6);
    for (let i = firstAt(start, from); i < last; i++) {
      if (outcome[i] === UNKNOWN) continue;
      sum.calls++;
      if (rejected[i] === 0) sum.reached++;
      if (isBad(i)) {
        sum.bad++;
        if (rejected[i] === 0) continue;
        sum.badSpared++;
        sum.waitedMs += duration[i]!;
      } else if (outcome[i] !== IGNORED) {
        sum.good++;
        sum.goodRejected += rejected[i]!;
      }
    }
    for (let i = last; i < start.length && start[i]! < Math.min(next, to + RECOVERY_MS); i++) {
      if (rejected[i] === 1 && !isBad(i)) sum.goodRejectedAfter++;
    }
    const state = transitions.findLast(({ at }) => at <= from)?.to;
    const opened =
      state === 'open' || state === 'half-open'
        ? from
        : transitions.find((each) => each.to === 'open' && each.at > from && each.at <= to)?.at;
    if (opened !== undefined) delays.push(opened - from);
  }
  const { waitedMs, reached, ...counts } = sum;
  const delay = median(delays);
  return {
    incident,
    ...counts,
    ...(delay === undefined ? {} : { openedAfterMs: delay }),
    openedProcesses: delays.length,
    waitingSparedSeconds: waitedMs / 1_000,
    reached: sum.calls === 0 ? 1 : reached / sum.calls,
  };
}
