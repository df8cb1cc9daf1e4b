/** Monotonic time in milliseconds. Its zero is arbitrary; it never runs backwards. */
export interface Clock {
  now(): number;
}
