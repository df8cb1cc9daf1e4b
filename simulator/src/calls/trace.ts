/** Outcomes as a trace keeps them. */
export const SUCCESS = 0;
export const FAILURE = 1;
export const IGNORED = 2;
/** Kept from being made when it was recorded: nobody knows its outcome. */
export const UNKNOWN = 3;

/** The calls that one process made through one breaker, by their beginning. Times are milliseconds. */
export interface Trace {
  readonly process: string;
  readonly start: Float64Array;
  readonly duration: Float64Array;
  readonly outcome: Uint8Array;
  /** The key of each call as an index into the keys of the breaker; -1: none. Absent: no call has one. */
  readonly key?: Int32Array;
}

/** The calls that begin from `from` to before `to`. Shares memory with the whole. */
export function between(trace: Trace, from: number, to: number): Trace {
  const [first, last] = [firstAt(trace.start, from), firstAt(trace.start, to)];
  return {
    process: trace.process,
    start: trace.start.subarray(first, last),
    duration: trace.duration.subarray(first, last),
    outcome: trace.outcome.subarray(first, last),
    ...(trace.key === undefined ? {} : { key: trace.key.subarray(first, last) }),
  };
}

/** The first index whose value is not below `value`, in an ascending array. */
export function firstAt(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** When the first call begins and the last call ends. @returns undefined when there is none. */
export function spanOf(traces: readonly Trace[]): { readonly from: number; readonly to: number } | undefined {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { start, duration } of traces) {
    if (start.length > 0) from = Math.min(from, start[0]!);
    for (let i = 0; i < start.length; i++) to = Math.max(to, start[i]! + duration[i]!);
  }
  return from <= to ? { from, to } : undefined;
}

/** How many calls there are. */
export function callsIn(traces: readonly Trace[]): number {
  return traces.reduce((sum, { start }) => sum + start.length, 0);
}
