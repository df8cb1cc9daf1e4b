import type { Clock } from '../clock.ts';

/** A token bucket with a fill rate and a capacity; full at the start. */
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

  /** Adds the tokens of the time since the last call. To be called before tokens are spent. */
  refill(now: number): void {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
  }

  /** The tokens that are left; below zero after more were spent. */
  left(now: number): number {
    this.refill(now);
    return this.#left;
  }

  spend(amount: number): void {
    this.#left -= amount;
  }

  giveBack(amount: number): void {
    this.#left = Math.min(this.#most, this.#left + amount);
  }
}

/** Limits the rate of something. */
export interface TokenBucket {
  /** Takes a token; returns whether one was left. */
  take(): boolean;
}

/** A token bucket with a rate of `perSecond` and a burst of one second's tokens. */
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
