import { FAILURE, SUCCESS, type Trace } from '../calls/trace.ts';

/** The outcomes of the next call of the same process after a failure. */
export interface NextCalls {
  readonly failures: number;
  /** Number of failures followed by another call within a second. */
  readonly followed: number;
  readonly succeeded: number;
}

const SOON_MS = 1_000;

/** How often the next call within a second of a failure succeeds: an upper estimate of the effect of a retry. */
export function nextCalls(traces: readonly Trace[]): NextCalls {
  let [failures, followed, succeeded] = [0, 0, 0];
  for (const { start, duration, outcome } of traces) {
    for (let i = 0; i < start.length; i++) {
      if (outcome[i] !== FAILURE) continue;
      failures++;
      const over = start[i]! + duration[i]!;
      let next = i + 1;
      while (next < start.length && start[next]! < over) next++;
      if (next >= start.length || start[next]! > over + SOON_MS) continue;
      followed++;
      if (outcome[next] === SUCCESS) succeeded++;
    }
  }
  return { failures, followed, succeeded };
}
