import type { Totals } from '@fuseboard/schema';

export const NO_TOTALS: Totals = {
  succeeded: 0,
  failed: 0,
  ignored: 0,
  slow: 0,
  timedOut: 0,
  rejected: 0,
  shadowRejected: 0,
  retried: 0,
  fallback: 0,
};

const TOTAL_NAMES = Object.keys(NO_TOTALS) as (keyof Totals)[];

/** The increase of each count between two readings; zero for a count that decreased. */
export function growth(from: Totals, to: Totals): Totals {
  return map((name) => Math.max(0, to[name] - from[name]));
}

/** The greater of each count of two readings. */
export function highest(a: Totals, b: Totals): Totals {
  return map((name) => Math.max(a[name], b[name]));
}

/** The greater of each latency bucket of two readings. */
export function highestLatency(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => Math.max(a[i] ?? 0, b[i] ?? 0));
}

/** The increase of each latency bucket between two readings. A missing bucket counts as zero. */
export function latencyGrowth(from: readonly number[], to: readonly number[]): number[] {
  return to.map((calls, i) => Math.max(0, calls - (from[i] ?? 0)));
}

export function sameTotals(a: Totals, b: Totals): boolean {
  return TOTAL_NAMES.every((name) => a[name] === b[name]);
}

export function sum(a: Totals, b: Totals): Totals {
  return map((name) => a[name] + b[name]);
}

const map = (value: (name: keyof Totals) => number) =>
  Object.fromEntries(TOTAL_NAMES.map((name) => [name, value(name)])) as unknown as Totals;
