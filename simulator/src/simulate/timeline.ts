import { FAILURE, SUCCESS, type Trace } from '../calls/trace.ts';
import type { Replay } from '../replay/replay.ts';

/** Number of steps in a time line. */
export const STEPS = 240;

/** Calls in each step, and how many of them failed or, without failing, were slow. */
export interface Load {
  readonly stepMs: number;
  readonly calls: readonly number[];
  readonly failures: readonly number[];
  readonly slow: readonly number[];
}

/** The share of processes that were open or half-open at some time in each step, 0 to 1. */
export interface Lane {
  readonly open: readonly number[];
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const stepOf = ({ from, to }: Span) => Math.max(1, to - from) / STEPS;
const stepAt = (span: Span, at: number) =>
  Math.min(STEPS - 1, Math.max(0, Math.floor((at - span.from) / stepOf(span))));

/** @param slowMs calls that take longer are slow. */
export function load(traces: readonly Trace[], span: Span, slowMs: number): Load {
  const calls = new Array<number>(STEPS).fill(0);
  const failures = new Array<number>(STEPS).fill(0);
  const slow = new Array<number>(STEPS).fill(0);
  for (const { start, duration, outcome } of traces) {
    for (let i = 0; i < start.length; i++) {
      const step = stepAt(span, start[i]!);
      calls[step]!++;
      if (outcome[i] === FAILURE) failures[step]!++;
      else if (outcome[i] === SUCCESS && duration[i]! > slowMs) slow[step]!++;
    }
  }
  return { stepMs: stepOf(span), calls, failures, slow };
}

export function lane(replays: readonly Replay[], span: Span): Lane {
  const open = new Array<number>(STEPS).fill(0);
  for (const { transitions } of replays) {
    const seen = new Uint8Array(STEPS);
    let since: number | undefined;
    const mark = (until: number) => {
      if (since === undefined) return;
      seen.fill(1, stepAt(span, since), stepAt(span, until) + 1);
    };
    for (const { to, at } of transitions) {
      if (to === 'closed') {
        mark(at);
        since = undefined;
      } else since ??= at;
    }
    mark(span.to);
    for (let step = 0; step < STEPS; step++) open[step]! += seen[step]! / replays.length;
  }
  return { open };
}
