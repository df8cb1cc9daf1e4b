import type { Clock } from '../../core/clock.ts';
import { type TokenBucket, tokenBucket } from '../../core/rate-limit/token-bucket.ts';
import { AuthError } from '../../ports/authenticator.ts';

export interface TokenReviewLimiterOptions {
  /** How many unknown tokens are reviewed per second in total. */
  readonly perSecond: number;
  /** How many of them may turn out bad for one address, in a minute and at once. */
  readonly badPerAddress: number;
  readonly clock: Clock;
}

/** Addresses that are remembered; the one that was quiet for the longest time is forgotten first. */
const MAX_ADDRESSES = 10_000;

const MINUTE_MS = 60_000;

interface AddressBudget {
  left: number;
  at: number;
}

/**
 * Limits reviews of unknown tokens, so that a flood of forged tokens does not cause a flood of reviews: a number per
 * second in total, and a small number of invalid tokens from one address, so that this address is refused before others
 * are. Known tokens are not limited here.
 */
export class TokenReviewLimiter {
  readonly #options: TokenReviewLimiterOptions;
  readonly #all: TokenBucket;
  readonly #addresses = new Map<string, AddressBudget>();

  constructor(options: TokenReviewLimiterOptions) {
    this.#options = options;
    this.#all = tokenBucket(options.perSecond, options.clock);
  }

  /**
   * Whether anything of this address may be looked at now.
   *
   * @throws {AuthError} when too many of its tokens were bad.
   */
  check(address: string): void {
    if (this.#of(address).left < 1) {
      throw new AuthError('flood', 'too many invalid tokens from this address; reconnect later with a valid one');
    }
  }

  /**
   * Takes the review of a token that is not known. It is given back by `good`.
   *
   * @throws {AuthError} when there is none left, for the address or for all.
   */
  take(address: string): void {
    this.check(address);
    if (!this.#all.take()) throw new AuthError('unavailable', 'too many new tokens at once; reconnect');
    const entry = this.#of(address);
    entry.left -= 1;
    this.#addresses.delete(address);
    this.#addresses.set(address, entry);
    if (this.#addresses.size > MAX_ADDRESSES) this.#addresses.delete(this.#addresses.keys().next().value!);
  }

  /** The token was good, or could not be looked at. */
  good(address: string): void {
    const entry = this.#addresses.get(address);
    if (entry) entry.left = Math.min(this.#options.badPerAddress, entry.left + 1);
  }

  #of(address: string): AddressBudget {
    const { badPerAddress, clock } = this.#options;
    const now = clock.now();
    const entry = this.#addresses.get(address) ?? { left: badPerAddress, at: now };
    entry.left = Math.min(badPerAddress, entry.left + ((now - entry.at) / MINUTE_MS) * badPerAddress);
    entry.at = now;
    return entry;
  }
}
