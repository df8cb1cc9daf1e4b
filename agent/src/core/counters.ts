import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import { type Row, Slab } from './windows/slab.ts';

/** What is counted besides how long calls took, each in a place of its own behind the latency buckets. */
export const COUNTED = {
  failed: LATENCY_BUCKETS,
  ignored: LATENCY_BUCKETS + 1,
  slow: LATENCY_BUCKETS + 2,
  timedOut: LATENCY_BUCKETS + 3,
  rejected: LATENCY_BUCKETS + 4,
  shadowRejected: LATENCY_BUCKETS + 5,
  retried: LATENCY_BUCKETS + 6,
  fallback: LATENCY_BUCKETS + 7,
} as const;

const TURN = 2 ** 31;

/** Where breakers count. */
export const tallies = new Slab(LATENCY_BUCKETS + 8);

/** How often a counter of a page went round; it does so after two thousand million calls, so few pages have an entry. */
const turns = new WeakMap<Int32Array, Map<number, number>>();

/** Counts one more. */
export function increment(page: Int32Array, at: number): void {
  page[at]!++;
  if (page[at]! < 0) goRound(page, at);
}

function goRound(page: Int32Array, at: number): void {
  const each = turns.get(page) ?? new Map<number, number>();
  each.set(at, (each.get(at) ?? 0) + 1);
  turns.set(page, each);
  page[at] = 0;
}

function countAt(page: Int32Array, at: number): number {
  return (turns.get(page)?.get(at) ?? 0) * TURN + page[at]!;
}

/** Calls in each latency bucket. */
export function latencyOf({ page, at }: Row): number[] {
  return Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => countAt(page, at + bucket));
}

/** What a row has counted; a call that ended succeeded unless it is also counted as failed or ignored. */
export function totalsOf(row: Row): Totals {
  const read = (name: keyof typeof COUNTED) => countAt(row.page, row.at + COUNTED[name]);
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
