import type { Clock } from '../clock.ts';

/** The minimum retry time, in ms. */
const MIN_RETRY_MS = 1_000;

/** The maximum retry time. A client that waits this long may have found another replica. */
const MAX_RETRY_MS = 120_000;

/** A retry time of 1 to 5 s, in ms: random, so that clients that were refused together do not return together. */
export const jitteredRetryMs = (random: () => number): number => MIN_RETRY_MS + random() * 4_000;

/**
 * Assigns retry times to refused clients, one after the other at the rate at which they can be admitted. So a storm
 * ends as early as possible, and no retry is refused again.
 *
 * @param perSecond number of clients that can be admitted per second.
 * @returns a function that returns the next retry time, in milliseconds from now.
 */
export function retryAfterScheduler(perSecond: number, clock: Clock): () => number {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.now();
    last = Math.min(Math.max(last, now + MIN_RETRY_MS) + 1_000 / perSecond, now + MAX_RETRY_MS);
    return last - now;
  };
}
