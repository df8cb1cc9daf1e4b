import { LATENCY_BUCKETS, type Totals } from '@fuseboard/schema';
import { NO_TOTALS, sum } from './totals.ts';

/** Breaker names that get a series of their own, for each namespace; calls of all others are counted under `other`. */
export const MAX_BREAKER_NAMES = 200;

/** The value at which a series starts over. */
const MAX_COUNT = 2 ** 52;

export const OTHER = 'other';

/** What all agents counted together for a breaker name under a policy, since this process began. */
export interface CounterSeries {
  readonly namespace: string;
  /** The name of the policy; empty for breakers that no policy governs. */
  readonly policy: string;
  readonly breaker: string;
  totals: Totals;
  /**
   * Calls by how long they took; bucket i counts those under 2^i x 0.125 ms that no smaller bucket counts, the last one
   * the rest.
   */
  readonly latency: number[];
  /** How often a breaker entered each state. */
  readonly entered: { closed: number; open: number; 'half-open': number };
}

/** Sums what agents report. The number of series does not depend on the number of agents. */
export class Counters {
  readonly #series = new Map<string, CounterSeries>();
  readonly #names = new Map<string, Set<string>>();

  /** The series for a breaker, made when it is new. */
  at(namespace: string, policy: string, breaker: string): CounterSeries {
    const name = this.#bounded(namespace, breaker);
    const key = JSON.stringify([namespace, policy, name]);
    let series = this.#series.get(key);
    if (series === undefined) {
      const entered = { closed: 0, open: 0, 'half-open': 0 };
      series = {
        namespace,
        policy,
        breaker: name,
        totals: NO_TOTALS,
        latency: new Array(LATENCY_BUCKETS).fill(0),
        entered,
      };
      this.#series.set(key, series);
    }
    return series;
  }

  add(namespace: string, policy: string, breaker: string, counted: Totals, latency: readonly number[]): void {
    const series = this.at(namespace, policy, breaker);
    series.totals = sum(series.totals, counted);
    for (const [i, calls] of latency.entries()) series.latency[i]! += calls;
    // Beyond 2^53 a number no longer grows by one; a counter that starts over is what its readers expect of a restart.
    if (Math.max(...Object.values(series.totals), ...series.latency) < MAX_COUNT) return;
    series.totals = NO_TOTALS;
    series.latency.fill(0);
  }

  /** Ends the series of a policy that is gone. */
  drop(namespace: string, policy: string): void {
    const dropped = new Set<string>();
    for (const [key, series] of this.#series) {
      if (series.namespace !== namespace || series.policy !== policy) continue;
      this.#series.delete(key);
      dropped.add(series.breaker);
    }
    for (const { namespace: other, breaker } of this.#series.values()) if (other === namespace) dropped.delete(breaker);
    for (const breaker of dropped) this.#names.get(namespace)?.delete(breaker);
  }

  /** The name that a breaker has in the series. */
  name(namespace: string, breaker: string): string {
    return this.#names.get(namespace)?.has(breaker) ? breaker : OTHER;
  }

  list(): readonly CounterSeries[] {
    return [...this.#series.values()];
  }

  #bounded(namespace: string, breaker: string): string {
    let names = this.#names.get(namespace);
    if (names === undefined) {
      names = new Set();
      this.#names.set(namespace, names);
    }
    if (names.has(breaker)) return breaker;
    if (names.size >= MAX_BREAKER_NAMES) return OTHER;
    names.add(breaker);
    return breaker;
  }
}
