import { FAILURE, firstAt, IGNORED, UNKNOWN } from '../calls/trace.ts';
import type { Incident } from '../calm/incidents.ts';
import type { Replay } from '../replay/replay.ts';
import { median } from '../statistics/limits.ts';

/** What a policy would have done in an incident. Times are milliseconds. */
export interface IncidentFigures {
  readonly incident: Incident;
  readonly calls: number;
  /** Calls that failed, or that were slow in an incident of slow calls. */
  readonly bad: number;
  /**
   * The median over the processes that opened, from the beginning of the incident; 0: it was open already. Absent: none
   * opened.
   */
  readonly openedAfterMs?: number;
  readonly openedProcesses: number;
  readonly badSpared: number;
  readonly good: number;
  readonly goodRejected: number;
  /** Good calls rejected after the incident, until all its processes were closed again or the next incident began. */
  readonly goodRejectedAfter: number;
  /** How long the calls that were spared had taken, in seconds. */
  readonly waitingSparedSeconds: number;
  /** The share of calls that still reached the dependency, 0 to 1. */
  readonly reached: number;
}

/** Recovery is over after this time; what is rejected later has another reason. */
const RECOVERY_MS = 600_000;

/** @param next when the next incident begins, or the record ends. */
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
