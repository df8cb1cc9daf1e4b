/** What went wrong, for programs: the same in every release and in every copy of the package. */
export type ErrorCode =
  | 'ERR_FUSEBOARD_OPEN'
  | 'ERR_FUSEBOARD_LIMITED'
  | 'ERR_FUSEBOARD_QUEUE_TIMEOUT'
  | 'ERR_FUSEBOARD_TIMEOUT'
  | 'ERR_FUSEBOARD_CONFIG';

/** Which circuit a call met: a breaker's own, or that of one of its keys. */
export interface BreakerIdentity {
  readonly name: string;
  readonly key?: string | undefined;
}
