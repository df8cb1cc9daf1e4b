import type { AdaptiveConfig } from '../config/call-config.ts';

/** Eight buckets for each doubling: a bucket's upper end is at most 9.1 % above anything in it. */
const PER_DOUBLING = 8;
/** From 1 ms to 24 h; the first and last bucket include values outside. */
const BUCKETS = 27 * PER_DOUBLING;
/** Number of samples after which all counts are halved. */
const HALF_LIFE = 512;

/**
 * A time limit that follows how long calls take. Durations are counted in buckets that grow by 2^(1/8), and all counts
 * are halved after every 512 samples, so that old ones fade. The percentile is the upper end of the bucket that holds
 * it: never less than the true one of the weighted samples, and at most 9.1 % or 1 ms more. A pointer to that bucket
 * follows the counts, so that a sample costs the same however many there are.
 */
export class AdaptiveTimeout {
  readonly #counts = new Float64Array(BUCKETS);
  #weight = 0;
  #samples = 0;
  /** The bucket of the percentile, and the weight in all buckets before it. */
  #bucket = 0;
  #before = 0;

  record(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket]!++;
    this.#weight++;
    if (bucket < this.#bucket) this.#before++;
    this.#samples++;
    if (this.#samples % HALF_LIFE === 0) this.#fade();
  }

  /** @param initialMs the limit until there are enough samples; 0: `maxMs` until then. */
  limitMs({ percentile, headroomPercent, minimumSamples, minMs, maxMs }: AdaptiveConfig, initialMs: number): number {
    if (this.#samples < minimumSamples) return initialMs === 0 ? maxMs : initialMs;
    this.#seek((this.#weight * percentile) / 100);
    const limit = (upperEndOf(this.#bucket) * (100 + headroomPercent)) / 100;
    return Math.min(Math.max(limit, minMs), maxMs);
  }

  /** Moves to the first bucket at which the cumulative weight reaches `rank`. */
  #seek(rank: number): void {
    while (this.#before + this.#counts[this.#bucket]! < rank && this.#bucket < BUCKETS - 1) {
      this.#before += this.#counts[this.#bucket]!;
      this.#bucket++;
    }
    while (this.#bucket > 0 && this.#before >= rank) {
      this.#bucket--;
      this.#before -= this.#counts[this.#bucket]!;
    }
  }

  /** Halves the counts, and computes the sums again, so that rounding errors do not accumulate. */
  #fade(): void {
    this.#weight = 0;
    this.#before = 0;
    for (let i = 0; i < BUCKETS; i++) {
      const count = this.#counts[i]! / 2;
      this.#counts[i] = count;
      this.#weight += count;
      if (i < this.#bucket) this.#before += count;
    }
  }
}

function bucketOf(ms: number): number {
  if (!(ms > 1)) return 0;
  return Math.min(Math.ceil(Math.log2(ms) * PER_DOUBLING), BUCKETS - 1);
}

function upperEndOf(bucket: number): number {
  return 2 ** (bucket / PER_DOUBLING);
}
