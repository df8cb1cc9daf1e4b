/** One recorded call, as the readers of `@fuseboard/traffic` give it. */
export interface Call {
  /** When it began, in milliseconds since 1970 or since the beginning of the record. */
  readonly start: number;
  readonly durationMs: number;
  /** `rejected`: a breaker or limiter kept it from being made, so its outcome is not known. */
  readonly outcome: 'success' | 'failure' | 'ignored' | 'rejected';
  readonly status?: number;
  readonly error?: string;
  readonly breaker: string;
  /** The process that made it. Absent: not recorded. */
  readonly instance?: string;
  readonly key?: string;
  readonly from?: string;
}
