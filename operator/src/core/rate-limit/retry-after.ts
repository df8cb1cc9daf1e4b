import type { Clock } from '../clock.ts';

/** The minimum retry time, in ms. */
const MIN_RETRY_MS = 1_000;

/** Nor later: who waits this long may have found another replica. */
const MAX_RETRY_MS = 120_000;

/**
 * Assigns retry times to refused callers: one after the other, at the rate at which they can be admitted. So a storm
 * ends at the earliest possible time, and no retry is refused again.
 *
 * @param perSecond how many can be let in.
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
