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

  /** The number of tokens; negative while a debt is repaid. */
  left(now: number): number {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    return this.#left;
  }

  /**
   * Takes tokens, even below zero. What has come in by `now` counts first: beyond the capacity it is lost, and does not
   * pay for these.
   */
  spend(amount: number, now: number): void {
    this.#left = this.left(now) - amount;
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
      const now = clock.now();
      if (tokens.left(now) < 1) return false;
      tokens.spend(1, now);
      return true;
    },
  };
}
