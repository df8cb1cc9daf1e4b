import type { Clock } from '../clock.ts';

/**
 * Decides how many new streams a second are let in, so that a storm of reconnecting agents is spread and not suffered.
 */
export interface TokenBucket {
  /** Whether one more may come in now. */
  take(): boolean;
}

/** A token bucket: `perSecond` a second, and as many at once after a quiet second. */
export function tokenBucket(perSecond: number, clock: Clock): TokenBucket {
  let tokens = perSecond;
  let at = clock.now();
  return {
    take() {
      const now = clock.now();
      tokens = Math.min(perSecond, tokens + ((now - at) / 1_000) * perSecond);
      at = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
