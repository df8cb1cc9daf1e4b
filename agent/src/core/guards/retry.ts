import type { RetryConfig } from '../config/call-config.ts';

/** Retries that a budget can save up. */
const MAX_SAVED = 100;

/**
 * Keeps retries to a share of the calls, so that they cannot multiply the load on a service in trouble: a token bucket.
 * A call adds its share of a token, a retry takes one. After the retry budgets of Finagle.
 */
export class RetryBudget {
  /** Hundredths of a token: whole numbers do not drift. */
  #saved = 0;
  /** When the second of the free retries began, and how many were taken in it. */
  #secondAt = Number.NEGATIVE_INFINITY;
  #free = 0;

  /** A call was let through. */
  admitted(budgetPercent: number): void {
    if (this.#saved < MAX_SAVED * 100) this.#saved += budgetPercent;
  }

  /**
   * Takes the token for a retry, if there is one.
   *
   * @param minPerSecond retries in a second that need no token. The second begins with the first of them.
   */
  take(now: number, minPerSecond: number): boolean {
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
 * How long to wait before a retry: min(max, initial x factor^(n - 1) x (1 + jitter x u)), or what the dependency asked
 * for if that is longer.
 *
 * @param retry which one: 1 is the first.
 * @param random u, from 0 to below 1.
 * @param retryAfterMs what Retry-After says; 0 when it says nothing.
 * @returns undefined when the dependency asks for more than the longest wait.
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
