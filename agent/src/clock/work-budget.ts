/** CPU time that the messages of a stream may take at once, in ms. The largest allowed set takes less. */
const BURST_MS = 2_000;

/** The share of the time that they may take on average. */
const SHARE = 0.1;

/**
 * Limits the CPU time that messages of the operator take from the calls of a service. Further messages wait unread, so
 * that the connection slows down an operator that sends too much.
 *
 * @internal
 */
export class WorkBudget {
  #leftMs = BURST_MS;
  #at = Number.NEGATIVE_INFINITY;

  /** Records work that took `tookMs` of CPU time; returns how long to pause, in ms. */
  spend(tookMs: number, now: number): number {
    this.#leftMs = Math.min(BURST_MS, this.#leftMs + (now - this.#at) * SHARE) - tookMs;
    this.#at = now;
    return Math.max(0, -this.#leftMs) / SHARE;
  }
}
