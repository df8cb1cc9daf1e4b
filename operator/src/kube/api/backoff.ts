/** Waits that grow from `minMs` to `maxMs`, each with jitter between half and the whole of it. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /**
   * The next wait, in milliseconds; never shorter than what the server asked for (of which at most ten minutes are
   * believed).
   */
  next(askedMs = 0): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 30);
    return Math.max(ceiling * (0.5 + this.#random() / 2), Math.min(askedMs, 600_000));
  }

  /** All is well again: the next wait is the shortest one. */
  reset(): void {
    this.#attempt = 0;
  }
}
