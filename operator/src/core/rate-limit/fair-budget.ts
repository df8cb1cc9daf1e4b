import type { Clock } from '../clock.ts';
import { dropOldest } from '../drop-oldest.ts';
import { Tokens } from './token-bucket.ts';

export interface FairBudgetOptions {
  /** What one key may spend in a second. */
  readonly perKey: number;
  /** What one key may spend at once after a quiet time. Absent: what it may in a second. */
  readonly burst?: number;
  /** What all may spend in a second, and at once. */
  readonly total: number;
  readonly clock: Clock;
}

/** Keys that are remembered; the one that was quiet for the longest time is forgotten first. */
const MAX_KEYS = 50_000;

/**
 * A token bucket for each key, and a shared one. The key's own bucket is used first, so that a key with an empty bucket
 * takes nothing from the shared one. The second half of the shared bucket is reserved for keys that have half of their
 * own left.
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

  /** Whether the budget is not exhausted. */
  get exhausted(): boolean {
    return this.#all.left(this.#options.clock.now()) < 1;
  }

  /**
   * Takes one. An absent key is bounded by what all have.
   *
   * @returns the exhausted budget; undefined when one was taken.
   */
  take(key: string | undefined): 'own' | 'all' | undefined {
    const now = this.#options.clock.now();
    const own = key === undefined ? undefined : this.#of(key, now);
    const ownLeft = own?.left(now) ?? this.#burst;
    if (ownLeft < 1) return 'own';
    const left = this.#all.left(now);
    if (left < 1 || (left < this.#options.total / 2 && ownLeft < this.#burst / 2)) return 'all';
    own?.spend(1);
    this.#all.spend(1);
    return undefined;
  }

  /** Spends more for what was let in, also what is not there: the key waits until it has earned it. */
  charge(key: string | undefined, amount: number): void {
    const now = this.#options.clock.now();
    if (key !== undefined) this.#of(key, now).spend(amount);
    this.#all.left(now);
    this.#all.spend(amount);
  }

  #of(key: string, now: number): Tokens {
    const known = this.#keys.get(key) ?? new Tokens(this.#options.perKey, this.#burst, now);
    this.#keys.delete(key);
    this.#keys.set(key, known);
    dropOldest(this.#keys, MAX_KEYS);
    return known;
  }
}
