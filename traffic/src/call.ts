/** How a call ended: `ignored` calls say nothing about the dependency, `rejected` ones never reached it. */
export type Outcome = 'success' | 'failure' | 'ignored' | 'rejected';
export const OUTCOMES: readonly Outcome[] = ['success', 'failure', 'ignored', 'rejected'];

/** One recorded call, whatever it was recorded with. */
export interface Call {
  /** When it started: milliseconds since 1970, or since the start of a series that has no date. */
  start: number;
  /** Milliseconds until its end; NaN when the recording does not say. */
  durationMs: number;
  outcome: Outcome;
  /** HTTP status; absent when there was none or it was not recorded. */
  status?: number;
  /** Kind of error, such as `timeout`; absent when none was recorded. */
  error?: string;
  /** What was called. */
  breaker: string;
  /** The process or server the recording names; an address is replaced by a number of its own. */
  instance?: string;
  /** What was called within the breaker, such as a path with its ids replaced by `:id`. */
  key?: string;
  /** Who called. */
  from?: string;
}
