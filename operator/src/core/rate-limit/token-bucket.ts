import type { Clock } from '../clock.ts';

/** Tokens of which so many come in a second, up to a bound. Full at first. */
export class Tokens {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #at: number;

  constructor(perSecond: number, most: number, now: number) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = most;
    this.#at = now;
  }

  left(now: number): number {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    return this.#left;
  }

  spend(amount: number): void {
    this.#left -= amount;
  }

  giveBack(amount: number): void {
    this.#left = Math.min(this.#most, this.#left + amount);
  }
}

/**
 * Decides how many new streams a second are let in, so that a storm of reconnecting agents is spread and not suffered.
 */
export interface TokenBucket {
  /** Whether one more may come in now. */
  take(): boolean;
}

/** A token bucket: `perSecond` a second, and as many at once after a quiet second. */
export function tokenBucket(perSecond: number, clock: Clock): TokenBucket {
  const tokens = new Tokens(perSecond, perSecond, clock.now());
  return {
    take() {
      if (tokens.left(clock.now()) < 1) return false;
      tokens.spend(1);
      return true;
    },
  };
}
