import type { Clock } from '../../core/clock.ts';
import { dropOldest } from '../../core/drop-oldest.ts';
import { type TokenBucket, Tokens, tokenBucket } from '../../core/rate-limit/token-bucket.ts';
import { AuthError } from '../../ports/authenticator.ts';

export interface TokenReviewLimiterOptions {
  /** How many unknown tokens are reviewed per second in total. */
  readonly perSecond: number;
  /** How many of them may turn out bad for one payer, in a minute and at once. */
  readonly badPerAddress: number;
  readonly clock: Clock;
}

/**
 * Whom a token that turns out bad is counted against: the account and pod that the cluster signed it for, or the
 * address that it comes from when nobody can say who made it.
 */
export type Payer = { readonly account: string } | { readonly address: string };

/** Payers that are remembered; the one that was quiet for the longest time is forgotten first. */
const MAX_PAYERS = 10_000;

const SECONDS_IN_MINUTE = 60;

/**
 * Limits reviews of unknown tokens, so that a flood of forged tokens does not cause a flood of reviews: a number per
 * second in total, and a small number of invalid tokens from one payer, so that this payer is refused before others
 * are. Tokens that the cluster signed have reviews of their own, which a flood of others does not use up. Known tokens
 * are not limited here.
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
   * Whether anything of this payer may be looked at now.
   *
   * @throws {AuthError} when too many of its tokens were bad.
   */
  check(payer: Payer): void {
    if (this.#of(payer).left(this.#options.clock.now()) >= 1) return;
    const whose = 'account' in payer ? 'of this account and pod' : 'from this address';
    throw new AuthError('flood', `too many invalid tokens ${whose}; reconnect later with a valid one`);
  }

  /**
   * Takes the review of a token that is not known. It is given back by `good`.
   *
   * @throws {AuthError} when there is none left, for the payer or for all.
   */
  take(payer: Payer): void {
    this.check(payer);
    const bucket = 'account' in payer ? this.#genuine : this.#others;
    if (!bucket.take()) throw new AuthError('unavailable', 'too many new tokens at once; reconnect');
    const key = keyOf(payer);
    const budget = this.#of(payer);
    budget.spend(1);
    this.#payers.delete(key);
    this.#payers.set(key, budget);
    dropOldest(this.#payers, MAX_PAYERS);
  }

  /** The token was good, or could not be looked at. */
  good(payer: Payer): void {
    this.#payers.get(keyOf(payer))?.giveBack(1);
  }

  #of(payer: Payer): Tokens {
    const { badPerAddress, clock } = this.#options;
    return this.#payers.get(keyOf(payer)) ?? new Tokens(badPerAddress / SECONDS_IN_MINUTE, badPerAddress, clock.now());
  }
}

const keyOf = (payer: Payer) => ('account' in payer ? `account ${payer.account}` : `address ${payer.address}`);
