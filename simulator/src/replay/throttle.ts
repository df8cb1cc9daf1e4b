import type { Gate } from './replay.ts';

interface Bucket {
  at: number;
  requests: number;
  accepts: number;
}

const WINDOW_MS = 120_000;
const BUCKET_MS = 1_000;

/**
 * Adaptive throttling as in Site Reliability Engineering, chapter "Handling Overload": a call is rejected with
 * probability max(0, (requests - K x accepts) / (requests + 1)) over two minutes. It has no open state. Rejected calls
 * count as requests.
 */
export class AdaptiveThrottle implements Gate {
  readonly #k: number;
  readonly #random: () => number;
  readonly #buckets: Bucket[] = [];
  #requests = 0;
  #accepts = 0;

  constructor(k: number, random: () => number) {
    this.#k = k;
    this.#random = random;
  }

  enter(at: number): unknown {
    const bucket = this.#bucket(at);
    const share = Math.max(0, (this.#requests - this.#k * this.#accepts) / (this.#requests + 1));
    bucket.requests++;
    this.#requests++;
    return this.#random() < share ? null : {};
  }

  settle(_permit: unknown, outcome: 'success' | 'failure' | 'ignored', at: number): void {
    if (outcome === 'failure') return;
    this.#bucket(at).accepts++;
    this.#accepts++;
  }

  #bucket(at: number): Bucket {
    while (this.#buckets.length > 0 && this.#buckets[0]!.at <= at - WINDOW_MS) {
      const old = this.#buckets.shift()!;
      this.#requests -= old.requests;
      this.#accepts -= old.accepts;
    }
    const begin = Math.floor(at / BUCKET_MS) * BUCKET_MS;
    const last = this.#buckets.at(-1);
    if (last !== undefined && last.at >= begin) return last;
    const fresh = { at: begin, requests: 0, accepts: 0 };
    this.#buckets.push(fresh);
    return fresh;
  }
}
