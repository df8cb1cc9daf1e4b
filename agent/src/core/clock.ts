/** Monotonic time in milliseconds. Its zero is arbitrary; it never runs backwards. */
export interface Clock {
  /** The time, which may lag by a few milliseconds where reading it must cost nothing. */
  now(): number;
  /** The time to the full resolution, for deadlines. Absent: `now` does not lag. */
  exact?(): number;
  /** Asks the clock to detect, until this time, when the process is suspended or blocked. */
  watch?(until: number): void;
  /**
   * When the process last moved on after it had stood still for more than a second, busy or frozen. Absent: it never
   * does.
   */
  stallEndedAt?(): number;
}

/**
 * What a breaker takes from its process: time and randomness.
 *
 * @internal
 */
export interface Environment {
  readonly clock: Clock;
  /** The source of randomness, from 0 to below 1. */
  random(): number;
  /** The wall clock, milliseconds since 1970: only to read the dates that others send. */
  wallNow(): number;
}

/**
 * The time to the clock's full resolution.
 *
 * @internal
 */
export function exactNow(clock: Clock): number {
  return clock.exact === undefined ? clock.now() : clock.exact();
}
