import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';

/**
 * The bucket of a duration: bucket i counts durations under 2^i x 0.125 ms that no smaller bucket counts; the last one
 * counts the rest.
 */
export function latencyBucket(ms: number): number {
  const eighths = ms * 8;
  if (!(eighths >= 1)) return 0;
  const bucket = eighths < 2 ** 31 ? 32 - Math.clz32(eighths) : LATENCY_BUCKETS;
  return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}
