/** Monotonic time in milliseconds. Its zero is arbitrary; it never runs backwards. */
export interface Clock {
  /** The time, which may lag by a few milliseconds where reading it must cost nothing. */
  now(): number;
  /** The time to the full resolution, for deadlines. Absent: `now` does not lag. */
  exact?(): number;
}

/** The time to the clock's full resolution. */
export function exactNow(clock: Clock): number {
  return clock.exact === undefined ? clock.now() : clock.exact();
}
