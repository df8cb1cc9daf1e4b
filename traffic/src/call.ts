/** How a call ended: `ignored` calls say nothing about the dependency, `rejected` ones never reached it. */
export type Outcome = 'success' | 'failure' | 'ignored' | 'rejected';
export const OUTCOMES: readonly Outcome[] = ['success', 'failure', 'ignored', 'rejected'];

/** One recorded call, independent of its format. */
export interface Call {
  /** Start time: milliseconds since 1970, or since the start of a series without a date. */
  start: number;
  /** Duration in milliseconds; NaN when it was not recorded. */
  durationMs: number;
  outcome: Outcome;
  /** HTTP status; absent when there was none or it was not recorded. */
  status?: number;
  /** Kind of error, such as `timeout`; absent when none was recorded. */
  error?: string;
  /** The called dependency. */
  breaker: string;
  /** The process or server in the recording. An address is replaced by a number. */
  instance?: string;
  /** The target within the breaker, such as a path with its ids replaced by `:id`. */
  key?: string;
  /** The caller. */
  from?: string;
}
