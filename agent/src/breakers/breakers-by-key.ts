import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import type { Circuit } from '../core/circuit.ts';
import type { Clock } from '../core/clock.ts';
import type { PerKeyConfig } from '../core/config/call-config.ts';
import type { Governor } from './governor.ts';

/** The key of the shared breaker, for keys that are too long or too many. */
const OVERFLOW = '*';

const MAX_KEY_LENGTH = 256;
/** Maximum number of keys with a closed circuit that have their own report entries. */
const MAX_BUSIEST = 20;
const SWEEP_EVERY_MS = 1_000;

/** The parts of the breaker of a key that its collection uses. */
export interface BreakerOfKey {
  readonly circuit: Circuit;
  readonly clock: Clock;
  readonly key: string | undefined;
  /** Whether the breaker can be removed without losing state. */
  readonly isQuiet: boolean;
  govern(governor: Governor): void;
}

interface KeyedOwner<C extends BreakerOfKey> extends BreakerOfKey {
  /** Creates the breaker of a key. */
  breakerOf(key: string): C;
}

interface KeyEntry<C> {
  readonly breaker: C;
  usedAt: number;
}

/**
 * The breakers of the keys of one breaker, each with a circuit of its own. Only those that are closed and unused are
 * removed, so that a flood of keys cannot erase an outage.
 */
export class BreakersByKey<C extends BreakerOfKey> {
  /** The breaker of these keys. */
  readonly owner: C & KeyedOwner<C>;
  readonly #entries = new Map<string, KeyEntry<C>>();
  #overflow: C | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;
  /** The counts of removed keys. */
  #evictedTotals: Totals | undefined;
  readonly #evictedLatency: number[] = new Array<number>(LATENCY_BUCKETS).fill(0);

  constructor(owner: C & KeyedOwner<C>) {
    this.owner = owner;
  }

  get #limits(): PerKeyConfig {
    return this.owner.circuit.config.call.perKey;
  }

  /** The breaker of a key, created on first use; the shared one when there is no room. */
  use(key: string): C {
    const now = this.owner.clock.now();
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (key === OVERFLOW || key.length > MAX_KEY_LENGTH || !this.#hasRoom(now)) return this.#shared();
      entry = { breaker: this.owner.breakerOf(key), usedAt: now };
      this.#entries.set(key, entry);
    }
    entry.usedAt = now;
    return entry.breaker;
  }

  /** Removes all of them and their counts. */
  forgetAll(): void {
    this.#entries.clear();
    this.#overflow = undefined;
    this.#sweptAt = Number.NEGATIVE_INFINITY;
    this.#evictedTotals = undefined;
    this.#evictedLatency.fill(0);
  }

  govern(governor: Governor): void {
    for (const breaker of this.all()) breaker.govern(governor);
  }

  /** All of them, including the shared one. */
  *all(): Generator<C> {
    for (const { breaker } of this.#entries.values()) yield breaker;
    if (this.#overflow !== undefined) yield this.#overflow;
  }

  /**
   * Those that have report entries of their own: the ones that are not closed, the ones that `isPending` names, and the
   * busiest others.
   */
  listed(isPending: (key: string) => boolean): C[] {
    this.#sweep(this.owner.clock.now(), isPending);
    const listed: C[] = [];
    const others: C[] = [];
    for (const breaker of this.all()) {
      // An override of all keys is reported with the breaker itself.
      const isNotClosed = breaker.circuit.state !== 'closed' && breaker.circuit.forced?.override === undefined;
      (isNotClosed || isPending(breaker.key!) ? listed : others).push(breaker);
    }
    others.sort((a, b) => b.circuit.permits - a.circuit.permits);
    return [...listed, ...others.slice(0, MAX_BUSIEST)];
  }

  /** The counts of all keys, including removed ones, added to the breaker's own. */
  totals(own: Totals): Totals {
    let sum = this.#evictedTotals === undefined ? own : addTotals(own, this.#evictedTotals);
    for (const { circuit } of this.all()) sum = addTotals(sum, circuit.totals());
    return sum;
  }

  latency(own: readonly number[]): number[] {
    const sum = own.map((calls, i) => calls + this.#evictedLatency[i]!);
    for (const { circuit } of this.all()) for (const [i, calls] of circuit.latency().entries()) sum[i]! += calls;
    return sum;
  }

  #shared(): C {
    this.#overflow ??= this.owner.breakerOf(OVERFLOW);
    return this.#overflow;
  }

  #hasRoom(now: number): boolean {
    if (this.#entries.size >= this.#limits.maxKeys) this.#sweep(now);
    return this.#entries.size < this.#limits.maxKeys;
  }

  /** Removes idle keys, except those that `isPending` names. */
  #sweep(now: number, isPending?: (key: string) => boolean): void {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    const { idleMs } = this.#limits;
    this.#sweptAt = now;
    for (const [key, { breaker, usedAt }] of this.#entries) {
      if (now - usedAt < idleMs || !breaker.isQuiet || isPending?.(key)) continue;
      const { circuit } = breaker;
      this.#evictedTotals =
        this.#evictedTotals === undefined ? circuit.totals() : addTotals(this.#evictedTotals, circuit.totals());
      for (const [i, calls] of circuit.latency().entries()) this.#evictedLatency[i]! += calls;
      this.#entries.delete(key);
    }
  }
}

function addTotals(a: Totals, b: Totals): Totals {
  const sum = { ...a };
  for (const name of Object.keys(b) as (keyof Totals)[]) sum[name] += b[name];
  return sum;
}
