import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import type { BreakerCore } from '../core/breaker.ts';
import type { Clock } from '../core/clock.ts';
import type { PerKeyConfig } from '../core/config/call-config.ts';
import type { Governor } from './governor.ts';

/** Stands for all keys that share a circuit, because there are too many or they are too long. */
const OVERFLOW = '*';

const MAX_KEY_LENGTH = 256;
/** How many keys with a closed circuit are reported one by one. */
const MAX_BUSIEST = 20;
const SWEEP_EVERY_MS = 1_000;

/** What the circuits of a breaker's keys need of that breaker and of each other. */
export interface KeyedCircuit {
  readonly core: BreakerCore;
  readonly clock: Clock;
  readonly key: string | undefined;
  /** Whether nothing would be missed without it. */
  readonly isQuiet: boolean;
  govern(governor: Governor): void;
}

interface CircuitMaker<C extends KeyedCircuit> extends KeyedCircuit {
  /** Makes the circuit of a key. */
  circuitOf(key: string): C;
}

interface KeyEntry<C> {
  readonly breaker: C;
  usedAt: number;
}

/**
 * The circuits of one breaker's keys. Only closed ones that nobody uses leave, so that no flood of keys can make an
 * outage be forgotten.
 */
export class KeyedCircuits<C extends KeyedCircuit> {
  /** The breaker whose keys these are. */
  readonly owner: C & CircuitMaker<C>;
  readonly #entries = new Map<string, KeyEntry<C>>();
  #overflow: C | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;
  /** What the keys that left had counted. */
  #evictedTotals: Totals | undefined;
  readonly #evictedLatency: number[] = new Array<number>(LATENCY_BUCKETS).fill(0);

  constructor(owner: C & CircuitMaker<C>) {
    this.owner = owner;
  }

  get #limits(): PerKeyConfig {
    return this.owner.core.config.call.perKey;
  }

  /** The circuit of a key, made when it is first used; the shared one while there is no room. */
  use(key: string): C {
    const now = this.owner.clock.now();
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (key === OVERFLOW || key.length > MAX_KEY_LENGTH || !this.#hasRoom(now)) return this.#shared();
      entry = { breaker: this.owner.circuitOf(key), usedAt: now };
      this.#entries.set(key, entry);
    }
    entry.usedAt = now;
    return entry.breaker;
  }

  /** Lets all keys start again, with what they had counted forgotten. */
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

  /** Every circuit, the shared one too. */
  *all(): Generator<C> {
    for (const { breaker } of this.#entries.values()) yield breaker;
    if (this.#overflow !== undefined) yield this.#overflow;
  }

  /**
   * What is reported key by key: circuits that are not closed, those that `isPending` names, and the busiest of the
   * others.
   */
  listed(isPending: (key: string) => boolean): C[] {
    this.#sweep(this.owner.clock.now());
    const listed: C[] = [];
    const others: C[] = [];
    for (const breaker of this.all()) {
      // An override of all keys is reported with their breaker.
      const isNotClosed = breaker.core.state !== 'closed' && breaker.core.forced?.override === undefined;
      (isNotClosed || isPending(breaker.key!) ? listed : others).push(breaker);
    }
    others.sort((a, b) => b.core.permits - a.core.permits);
    return [...listed, ...others.slice(0, MAX_BUSIEST)];
  }

  /** What all keys have counted, those that left too, added to the breaker's own. */
  totals(own: Totals): Totals {
    let sum = this.#evictedTotals === undefined ? own : addTotals(own, this.#evictedTotals);
    for (const { core } of this.all()) sum = addTotals(sum, core.totals());
    return sum;
  }

  latency(own: readonly number[]): number[] {
    const sum = own.map((calls, i) => calls + this.#evictedLatency[i]!);
    for (const { core } of this.all()) for (const [i, calls] of core.latency().entries()) sum[i]! += calls;
    return sum;
  }

  #shared(): C {
    this.#overflow ??= this.owner.circuitOf(OVERFLOW);
    return this.#overflow;
  }

  #hasRoom(now: number): boolean {
    if (this.#entries.size >= this.#limits.maxKeys) this.#sweep(now);
    return this.#entries.size < this.#limits.maxKeys;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    const { idleMs } = this.#limits;
    this.#sweptAt = now;
    for (const [key, { breaker, usedAt }] of this.#entries) {
      if (now - usedAt < idleMs || !breaker.isQuiet) continue;
      const { core } = breaker;
      this.#evictedTotals =
        this.#evictedTotals === undefined ? core.totals() : addTotals(this.#evictedTotals, core.totals());
      for (const [i, calls] of core.latency().entries()) this.#evictedLatency[i]! += calls;
      this.#entries.delete(key);
    }
  }
}

function addTotals(a: Totals, b: Totals): Totals {
  const sum = { ...a };
  for (const name of Object.keys(b) as (keyof Totals)[]) sum[name] += b[name];
  return sum;
}
