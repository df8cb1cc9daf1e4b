import type CircuitBreaker from '../types/index.cjs';

/** What a bucket counts. */
export const COUNTS = [
  'failures',
  'fallbacks',
  'successes',
  'rejects',
  'fires',
  'timeouts',
  'cacheHits',
  'cacheMisses',
  'coalesceCacheHits',
  'coalesceCacheMisses',
  'semaphoreRejections',
] as const satisfies readonly (keyof CircuitBreaker.Bucket)[];

export type Count = (typeof COUNTS)[number];

export const PERCENTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 1] as const;

export function emptyBucket(): CircuitBreaker.Bucket {
  return {
    failures: 0,
    fallbacks: 0,
    successes: 0,
    rejects: 0,
    fires: 0,
    timeouts: 0,
    cacheHits: 0,
    cacheMisses: 0,
    coalesceCacheHits: 0,
    coalesceCacheMisses: 0,
    semaphoreRejections: 0,
    percentiles: {},
    latencyTimes: [],
  };
}

/** The least value that at least this share of sorted values does not exceed; 0 when there are none. */
export function percentileOf(share: number, sorted: readonly number[]): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
