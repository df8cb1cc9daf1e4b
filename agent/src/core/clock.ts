/** Monotonic time in milliseconds from an arbitrary zero. */
export interface Clock {
  /** The time, which may lag by a few milliseconds, so that reading it costs almost nothing. */
  now(): number;
  /** The exact time, for deadlines. Absent: `now` does not lag. */
  exact?(): number;
  /** Asks the clock to detect, until this time, when the process is suspended or blocked. */
  watch?(until: number): void;
  /**
   * The end of the last stall, in which the process was suspended or its event loop blocked for more than a second.
   * Absent: stalls are not detected.
   */
  stallEndedAt?(): number;
}

/**
 * The inputs of a breaker other than calls: time and randomness.
 *
 * @internal
 */
export interface Environment {
  readonly clock: Clock;
  /** The source of randomness, from 0 to below 1. */
  random(): number;
  /** The wall clock, milliseconds since 1970, only for dates that a dependency sends. */
  wallNow(): number;
}

/**
 * The exact time of a clock.
 *
 * @internal
 */
export function exactNow(clock: Clock): number {
  return clock.exact === undefined ? clock.now() : clock.exact();
}
