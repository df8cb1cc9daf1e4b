/** Limits of the code on what policies and overrides may do in this process. An absent field limits nothing. */
export interface Guard {
  /**
   * No policy keeps a circuit open for longer at a time, and no override holds one open for longer. A duration such as
   * `2m`, from 1ms to 24h.
   */
  readonly maxOpenDuration?: string | undefined;
  /** No policy ends a call or a probe before this time. A duration such as `500ms`, from 1ms to 24h. */
  readonly minTimeout?: string | undefined;
  /** Whether overrides with the action ForceOpen are ignored. Absent: false. */
  readonly neverForceOpen?: boolean | undefined;
}

export type GuardField = keyof Guard;
