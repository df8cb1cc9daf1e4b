const FIRST_MS = 500;
const GREATEST_MS = 15_000;

/** Waits between attempts to connect: full jitter over a bound that doubles from 0.5 s to 15 s. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const bound = Math.min(GREATEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return this.#random() * bound;
  }

  /** The next wait is a short one again. */
  reset(): void {
    this.#failures = 0;
  }
}
