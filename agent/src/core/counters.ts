import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import { type Row, Slab } from './windows/slab.ts';

/** The counters of a breaker except the latency buckets: their indices in the row, after the buckets. */
export const COUNTER = {
  failed: LATENCY_BUCKETS,
  ignored: LATENCY_BUCKETS + 1,
  slow: LATENCY_BUCKETS + 2,
  timedOut: LATENCY_BUCKETS + 3,
  rejected: LATENCY_BUCKETS + 4,
  shadowRejected: LATENCY_BUCKETS + 5,
  retried: LATENCY_BUCKETS + 6,
  fallback: LATENCY_BUCKETS + 7,
} as const;

export type Counter = (typeof COUNTER)[keyof typeof COUNTER];

const WRAP_AT = 2 ** 31;

/** The counters of all breakers, a row for each. */
export const counterSlab = new Slab(LATENCY_BUCKETS + 8);

/** How often each counter of a page has wrapped around, after 2^31 calls; few pages have an entry. */
const wraps = new WeakMap<Int32Array, Map<number, number>>();

/** Counts one more. */
export function increment(page: Int32Array, at: number): void {
  page[at]!++;
  if (page[at]! < 0) wrapAround(page, at);
}

function wrapAround(page: Int32Array, at: number): void {
  const each = wraps.get(page) ?? new Map<number, number>();
  each.set(at, (each.get(at) ?? 0) + 1);
  wraps.set(page, each);
  page[at] = 0;
}

function countAt(page: Int32Array, at: number): number {
  return (wraps.get(page)?.get(at) ?? 0) * WRAP_AT + page[at]!;
}

/** Calls in each latency bucket. */
export function latencyOf({ page, at }: Row): number[] {
  return Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => countAt(page, at + bucket));
}

/** The totals of a row; a call that ended succeeded unless it is also counted as failed or ignored. */
export function totalsOf(row: Row): Totals {
  const read = (name: keyof typeof COUNTER) => countAt(row.page, row.at + COUNTER[name]);
  const [failed, ignored] = [read('failed'), read('ignored')];
  const ended = latencyOf(row).reduce((sum, calls) => sum + calls, 0);
  return {
    succeeded: ended - failed - ignored,
    failed,
    ignored,
    slow: read('slow'),
    timedOut: read('timedOut'),
    rejected: read('rejected'),
    shadowRejected: read('shadowRejected'),
    retried: read('retried'),
    fallback: read('fallback'),
  };
}
