import type { Clock } from '../../core/clock.ts';
import { dropOldest } from '../../core/drop-oldest.ts';
import { CACHE_LIMITS } from '../../core/limits/cache-limits.ts';
import { type TokenBucket, Tokens, tokenBucket } from '../../core/rate-limit/token-bucket.ts';
import { AuthError } from '../../ports/authenticator.ts';

export interface TokenReviewLimiterOptions {
  /** Maximum number of reviews of unknown tokens per second. */
  readonly perSecond: number;
  /** Maximum number of invalid tokens from one payer, per minute and at once. */
  readonly badPerAddress: number;
  readonly clock: Clock;
}

/**
 * The party charged for an invalid token: the account and pod of a token that the cluster signed, or the source address
 * when the origin of the token is unknown.
 */
export type Payer = { readonly account: string } | { readonly address: string };

const MAX_PAYERS = CACHE_LIMITS['token-payers'].entries;

const SECONDS_IN_MINUTE = 60;

/**
 * Limits reviews of unknown tokens, so that a flood of forged tokens does not cause a flood of reviews. There is a
 * limit per second in total, and a small limit of invalid tokens for each payer, so that a flooding payer is refused
 * before others are. Tokens signed by the cluster have their own review limit, which other tokens cannot exhaust.
 * Reviews of known tokens are not limited here.
 */
export class TokenReviewLimiter {
  readonly #options: TokenReviewLimiterOptions;
  readonly #genuine: TokenBucket;
  readonly #others: TokenBucket;
  readonly #payers = new Map<string, Tokens>();

  constructor(options: TokenReviewLimiterOptions) {
    this.#options = options;
    this.#genuine = tokenBucket(options.perSecond, options.clock);
    this.#others = tokenBucket(options.perSecond, options.clock);
  }

  /**
   * Checks that the payer has reviews left, without taking one.
   *
   * @throws {AuthError} when too many of its tokens were invalid.
   */
  check(payer: Payer): void {
    if (this.#of(payer).left(this.#options.clock.now()) >= 1) return;
    const whose = 'account' in payer ? 'of this account and pod' : 'from this address';
    throw new AuthError('flood', `too many invalid tokens ${whose}; reconnect later with a valid one`);
  }

  /**
   * Takes a review for an unknown token. A call of `good` returns it.
   *
   * @throws {AuthError} when the payer or the total limit has no review left.
   */
  take(payer: Payer): void {
    this.check(payer);
    const bucket = 'account' in payer ? this.#genuine : this.#others;
    if (!bucket.take()) throw new AuthError('unavailable', 'too many new tokens at once; reconnect');
    const key = keyOf(payer);
    const budget = this.#of(payer);
    budget.spend(1, this.#options.clock.now());
    this.#payers.delete(key);
    this.#payers.set(key, budget);
    dropOldest(this.#payers, MAX_PAYERS);
  }

  /** Returns the review of a token that was valid or could not be reviewed. */
  good(payer: Payer): void {
    this.#payers.get(keyOf(payer))?.giveBack(1);
  }

  #of(payer: Payer): Tokens {
    const { badPerAddress, clock } = this.#options;
    return this.#payers.get(keyOf(payer)) ?? new Tokens(badPerAddress / SECONDS_IN_MINUTE, badPerAddress, clock.now());
  }
}

const keyOf = (payer: Payer) => ('account' in payer ? `account ${payer.account}` : `address ${payer.address}`);
