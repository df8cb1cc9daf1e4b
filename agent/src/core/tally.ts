import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import { latencyBucket } from './histogram.ts';

/** What a breaker counts over its life; it never runs backwards. */
export class Tally {
  succeeded = 0;
  failed = 0;
  ignored = 0;
  slow = 0;
  timedOut = 0;
  rejected = 0;
  shadowRejected = 0;
  fallback = 0;
  /** A plain array: a typed one of this size costs more to keep than its contents. */
  readonly #latency: number[] = new Array<number>(LATENCY_BUCKETS).fill(0);

  tookMs(ms: number): void {
    this.#latency[latencyBucket(ms)]!++;
  }

  /** Calls in each latency bucket. */
  latency(): number[] {
    return [...this.#latency];
  }

  totals(): Totals {
    const { succeeded, failed, ignored, slow, timedOut, rejected, shadowRejected, fallback } = this;
    return { succeeded, failed, ignored, slow, timedOut, rejected, shadowRejected, retried: 0, fallback };
  }
}
