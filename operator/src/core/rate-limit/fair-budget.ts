import type { Clock } from '../clock.ts';
import { dropOldest } from '../drop-oldest.ts';
import { CACHE_LIMITS } from '../limits/cache-limits.ts';
import { Tokens } from './token-bucket.ts';

export interface FairBudgetOptions {
  /** Tokens per second for one key. */
  readonly perKey: number;
  /** Burst size of one key; absent: the tokens of one second. */
  readonly burst?: number;
  /** Tokens per second for all keys together, and their burst size. */
  readonly total: number;
  readonly clock: Clock;
}

const MAX_KEYS = CACHE_LIMITS['rate-budgets'].entries;

/**
 * A token bucket for each key, and a shared bucket. The key's own bucket is checked first, so that a key with an empty
 * bucket takes nothing from the shared one. The second half of the shared bucket is reserved for keys with at least
 * half of their own tokens. A request is charged in full when it is admitted, so that no bucket owes more than one.
 */
export class FairBudget {
  readonly #options: FairBudgetOptions;
  readonly #burst: number;
  readonly #all: Tokens;
  readonly #keys = new Map<string, Tokens>();

  constructor(options: FairBudgetOptions) {
    this.#options = options;
    this.#burst = options.burst ?? options.perKey;
    this.#all = new Tokens(options.total, options.total, options.clock.now());
  }

  /** Whether no key can take a token because the shared bucket is empty. */
  get exhausted(): boolean {
    return this.#all.left(this.#options.clock.now()) < 1;
  }

  /**
   * Takes tokens when at least one is left, even below zero. The key then waits until its bucket has refilled. A
   * request without a key is limited only by the first half of the shared bucket.
   *
   * @returns the exhausted bucket; undefined when the tokens were taken.
   */
  take(key: string | undefined, amount = 1): 'own' | 'all' | undefined {
    const now = this.#options.clock.now();
    const own = key === undefined ? undefined : this.#of(key, now);
    const ownLeft = own?.left(now) ?? 1;
    if (ownLeft < 1) return 'own';
    const left = this.#all.left(now);
    const mayTakeReserved = own !== undefined && ownLeft >= this.#burst / 2;
    if (left < 1 || (left < this.#options.total / 2 && !mayTakeReserved)) return 'all';
    own?.spend(amount, now);
    this.#all.spend(amount, now);
    return undefined;
  }

  /** Gives back tokens of an admitted request that took less than it was charged for. */
  giveBack(key: string | undefined, amount: number): void {
    if (key !== undefined) this.#of(key, this.#options.clock.now()).giveBack(amount);
    this.#all.giveBack(amount);
  }

  #of(key: string, now: number): Tokens {
    const known = this.#keys.get(key) ?? new Tokens(this.#options.perKey, this.#burst, now);
    this.#keys.delete(key);
    this.#keys.set(key, known);
    dropOldest(this.#keys, MAX_KEYS);
    return known;
  }
}
