import { FAILURE, SUCCESS, type Trace } from '../calls/trace.ts';

/** What the next call of the same process said after a failure. */
export interface NextCalls {
  readonly failures: number;
  /** How many failures had a next call within a second. */
  readonly followed: number;
  readonly succeeded: number;
}

const SOON_MS = 1_000;

/** How often the next call within a second of a failure succeeds: an upper estimate of what a retry would do. */
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
