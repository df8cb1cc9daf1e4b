/** Outcomes as numbers in a trace. */
export const SUCCESS = 0;
export const FAILURE = 1;
export const IGNORED = 2;
/** The call was rejected when it was recorded, so its outcome is unknown. */
export const UNKNOWN = 3;

/** The calls of one process through one breaker, sorted by start. Times are milliseconds. */
export interface Trace {
  readonly process: string;
  readonly start: Float64Array;
  readonly duration: Float64Array;
  readonly outcome: Uint8Array;
  /** The key of each call as an index into the keys of the breaker; -1: none. Absent: no call has a key. */
  readonly key?: Int32Array;
}

/** The calls that start from `from` to before `to`. They share memory with the trace. */
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

/** The first index whose value is at least `value`, in an ascending array. */
export function firstAt(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The start of the first call and the end of the last one. @returns undefined without calls. */
export function spanOf(traces: readonly Trace[]): { readonly from: number; readonly to: number } | undefined {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { start, duration } of traces) {
    if (start.length > 0) from = Math.min(from, start[0]!);
    for (let i = 0; i < start.length; i++) to = Math.max(to, start[i]! + duration[i]!);
  }
  return from <= to ? { from, to } : undefined;
}

/** The number of calls. */
export function callsIn(traces: readonly Trace[]): number {
  return traces.reduce((sum, { start }) => sum + start.length, 0);
}
