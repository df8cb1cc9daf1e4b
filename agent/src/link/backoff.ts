const FIRST_MS = 500;
const GREATEST_MS = 15_000;

/** Delays between connection attempts: full jitter below a ceiling that doubles from 0.5 s to 15 s. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next delay, in milliseconds. */
  next(): number {
    const bound = Math.min(GREATEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return this.#random() * bound;
  }

  /** Starts again with the shortest delay. */
  reset(): void {
    this.#failures = 0;
  }
}
