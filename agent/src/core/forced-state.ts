/** The override that forces a state. */
export interface OverrideRef {
  readonly uid: string;
  readonly name: string;
}

/** A state that a breaker is forced into. */
export interface ForcedState {
  readonly state: 'open' | 'closed';
  /** When it ends by itself, in milliseconds of the clock. */
  readonly until: number;
  /** The reason that was given for it. */
  readonly reason: string;
  /** Absent: the code of this process forced it. */
  readonly override?: OverrideRef | undefined;
}

/** The `detail` of the event of a forced state. */
export const forcedDetail = (reason: string, override: OverrideRef | undefined) =>
  override === undefined ? reason : `override "${override.name}": ${reason}`;
