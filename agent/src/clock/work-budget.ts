/**
 * How long the messages of a stream may keep the process busy at once, in ms: a first set as large as allowed takes
 * less.
 */
const BURST_MS = 2_000;

/** What part of the time they may take in the long run. */
const SHARE = 0.1;

/**
 * Bounds how much of the time the messages of the operator may take from the calls of a service. What does not fit
 * waits, unread, and an operator that sends too much is slowed down by its own connection.
 *
 * @internal
 */
export class WorkBudget {
  #leftMs = BURST_MS;
  #at = Number.NEGATIVE_INFINITY;

  /** Work that took `tookMs` of the processor ended; returns for how long nothing more should be done, in ms. */
  spend(tookMs: number, now: number): number {
    this.#leftMs = Math.min(BURST_MS, this.#leftMs + (now - this.#at) * SHARE) - tookMs;
    this.#at = now;
    return Math.max(0, -this.#leftMs) / SHARE;
  }
}
