import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import { latencyBucket } from './histogram.ts';

/** What a breaker counts over its life; it never runs backwards. */
export class Tally {
  succeeded = 0;
  failed = 0;
  ignored = 0;
  timedOut = 0;
  rejected = 0;
  shadowRejected = 0;
  fallback = 0;
  readonly #latency = new Float64Array(LATENCY_BUCKETS);

  tookMs(ms: number): void {
    this.#latency[latencyBucket(ms)]!++;
  }

  /** Calls in each latency bucket. */
  latency(): number[] {
    return Array.from(this.#latency);
  }

  totals(): Totals {
    const { succeeded, failed, ignored, timedOut, rejected, shadowRejected, fallback } = this;
    return { succeeded, failed, ignored, slow: 0, timedOut, rejected, shadowRejected, retried: 0, fallback };
  }
}
