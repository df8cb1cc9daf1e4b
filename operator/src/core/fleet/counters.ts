import { LATENCY_BUCKETS, type Totals } from '@fuseboard/schema';
import { LimitLog } from '../limits/limit-log.ts';
import { LIMITS } from '../limits/limits.ts';
import { NO_TOTALS, sum } from './totals.ts';

/**
 * Maximum number of breaker names with their own series in a namespace. Calls of all other breakers are counted as
 * `other`.
 */
export const MAX_BREAKER_NAMES = LIMITS['breaker-names'].value;

/** The value at which a series restarts from zero. */
const MAX_COUNT = 2 ** 52;

export const OTHER = 'other';

/** The sums over all agents for a breaker name under a policy, since this process started. */
export interface CounterSeries {
  readonly namespace: string;
  /** The name of the policy; empty for breakers without a policy. */
  readonly policy: string;
  readonly breaker: string;
  totals: Totals;
  /**
   * Calls by duration. Bucket i counts calls under 2^i x 0.125 ms that no smaller bucket counts; the last bucket counts
   * all longer calls.
   */
  readonly latency: number[];
  /** How often breakers entered each state. */
  readonly entered: { closed: number; open: number; 'half-open': number };
}

/** Sums the counts in agents' reports. The number of series does not depend on the number of agents. */
export class Counters {
  readonly #series = new Map<string, CounterSeries>();
  readonly #names = new Map<string, Set<string>>();
  readonly #limits: LimitLog;

  constructor(limits = new LimitLog()) {
    this.#limits = limits;
  }

  /** The series of a breaker, created on first use. */
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
    // Beyond 2^53 a number no longer grows by one. The series restarts from zero, which its readers treat as a process
    // restart.
    if (Math.max(...Object.values(series.totals), ...series.latency) < MAX_COUNT) return;
    series.totals = NO_TOTALS;
    series.latency.fill(0);
  }

  /** Removes the series of a deleted policy. */
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

  /** The name of a breaker in its series: its own name, or `other`. */
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
    if (names.size >= MAX_BREAKER_NAMES) {
      this.#limits.reached('breaker-names', { namespace });
      return OTHER;
    }
    names.add(breaker);
    return breaker;
  }
}
