import type { RetryConfig } from '../config/call-config.ts';

/** Maximum number of saved tokens. */
const MAX_SAVED = 100;

/**
 * Limits retries to a share of the calls, so that they cannot multiply the load on a failing dependency: a token
 * bucket, like the retry budgets of Finagle. A call adds its share of a token, and a retry takes one.
 */
export class RetryBudget {
  /** In hundredths of a token, because whole numbers have no rounding errors. */
  #saved = 0;
  /** The start of the current second of free retries, and their number in it. */
  #secondAt = Number.NEGATIVE_INFINITY;
  #free = 0;

  /** Adds the share of an admitted call. */
  admitted(budgetPercent: number): void {
    if (this.#saved < MAX_SAVED * 100) this.#saved += budgetPercent;
  }

  /**
   * Takes the token for a retry, if there is one.
   *
   * @param minPerSecond retries in a second that need no token. The second begins with the first of them.
   */
  spend(now: number, minPerSecond: number): boolean {
    if (this.#saved >= 100) {
      this.#saved -= 100;
      return true;
    }
    if (now - this.#secondAt >= 1_000) {
      this.#secondAt = now;
      this.#free = 0;
    }
    return this.#free++ < minPerSecond;
  }
}

/**
 * The delay before a retry: min(max, initial x factor^(n - 1) x (1 + jitter x u)), or the Retry-After if that is
 * longer.
 *
 * @param retry n: 1 for the first retry.
 * @param random u, from 0 to below 1.
 * @param retryAfterMs the Retry-After of the failure; 0: none.
 * @returns undefined when the Retry-After is longer than the maximum delay.
 */
export function backoffMs(
  config: RetryConfig,
  retry: number,
  random: number,
  retryAfterMs: number,
): number | undefined {
  if (retryAfterMs > config.maxMs) return undefined;
  const jitter = 1 + (config.jitterPercent / 100) * random;
  return Math.max(Math.min(config.maxMs, config.initialMs * config.factor ** (retry - 1) * jitter), retryAfterMs);
}
