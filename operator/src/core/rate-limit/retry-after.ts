import type { Clock } from '../clock.ts';

/** Nobody is asked to retry sooner, in ms. */
const MIN_RETRY_MS = 1_000;

/** Nor later: who waits this long may have found another replica. */
const MAX_RETRY_MS = 120_000;

/**
 * When those who are refused should retry: one after the other, as fast as they can be let in. So the last of a
 * storm is let in when the storm could be over at the earliest, and nobody comes in vain.
 *
 * @param perSecond how many can be let in.
 * @returns what gives the next turn, in milliseconds from now.
 */
export function retryAfterScheduler(perSecond: number, clock: Clock): () => number {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.now();
    last = Math.min(Math.max(last, now + MIN_RETRY_MS) + 1_000 / perSecond, now + MAX_RETRY_MS);
    return last - now;
  };
}
