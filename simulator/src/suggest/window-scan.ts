import { FAILURE, IGNORED, type Trace, UNKNOWN } from '../calls/trace.ts';
import type { Form } from './rule.ts';

/** Calls in the order of their ends. */
export interface EndedCalls {
  readonly end: Float64Array;
  readonly duration: Float64Array;
  /** 1 for each failed call. */
  readonly failed: Uint8Array;
}

export function endedCalls({ start, duration, outcome }: Trace): EndedCalls {
  const order: number[] = [];
  for (let i = 0; i < start.length; i++) if (outcome[i] !== IGNORED && outcome[i] !== UNKNOWN) order.push(i);
  const endOf = (i: number) => start[i]! + duration[i]!;
  order.sort((a, b) => endOf(a) - endOf(b) || a - b);
  return {
    end: Float64Array.from(order, endOf),
    duration: Float64Array.from(order, (i) => duration[i]!),
    failed: Uint8Array.from(order, (i) => (outcome[i] === FAILURE ? 1 : 0)),
  };
}

/** Marks calls with a duration above a limit. */
export function slowCalls({ duration }: EndedCalls, slowerThanMs: number): Uint8Array {
  const slow = new Uint8Array(duration.length);
  for (let i = 0; i < slow.length; i++) if (duration[i]! > slowerThanMs) slow[i] = 1;
  return slow;
}

/**
 * The greatest share of marked calls that a window ever contains, counting only windows with enough calls; 0 to 1. One
 * pass covers all thresholds, while a replay covers one. The scan ignores running calls, and its time windows are exact
 * to the millisecond, so its result is replayed afterwards.
 *
 * @param hits 1 for each marked call.
 */
export function greatestShare(end: Float64Array, hits: Uint8Array, form: Form, minimumCalls: number): number {
  let greatest = 0;
  slide(end, hits, form, (_, count, calls) => {
    if (calls >= minimumCalls && count > greatest * calls) greatest = count / calls;
    return true;
  });
  return greatest;
}

/**
 * Finds when the share first reaches each threshold, in milliseconds of the record.
 *
 * @param percents ascending.
 * @param from earlier times are ignored.
 * @returns infinity for a threshold that is never reached.
 */
export function firstReached(
  end: Float64Array,
  hits: Uint8Array,
  form: Form,
  minimumCalls: number,
  percents: readonly number[],
  from: number,
): number[] {
  const found = percents.map(() => Number.POSITIVE_INFINITY);
  let next = 0;
  slide(end, hits, form, (at, count, calls) => {
    if (at < from || calls < minimumCalls) return true;
    while (next < percents.length && count * 100 >= percents[next]! * calls) found[next++] = at;
    return next < percents.length;
  });
  return found;
}

/** Moves a window over calls. @param see called after each call, until it returns false. */
function slide(
  end: Float64Array,
  hits: Uint8Array,
  form: Form,
  see: (at: number, count: number, calls: number) => boolean,
): void {
  const size = form.type === 'Count' ? form.size : Number.POSITIVE_INFINITY;
  const ms = form.type === 'Time' ? form.ms : Number.POSITIVE_INFINITY;
  let [oldest, count] = [0, 0];
  for (let i = 0; i < end.length; i++) {
    count += hits[i]!;
    while (i - oldest >= size || end[oldest]! <= end[i]! - ms) count -= hits[oldest++]!;
    if (!see(end[i]!, count, i - oldest + 1)) return;
  }
}
