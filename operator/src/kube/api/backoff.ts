/** Retry delays that grow from `minMs` to `maxMs`, with jitter between 50 and 100 %. */
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

  /** The next delay, in milliseconds. It is at least the server's Retry-After, which is limited to ten minutes. */
  next(askedMs = 0): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 30);
    return Math.max(ceiling * (0.5 + this.#random() / 2), Math.min(askedMs, 600_000));
  }

  /** Starts again with the shortest delay. */
  reset(): void {
    this.#attempt = 0;
  }
}
