import { LATENCY_BUCKETS } from '@fuseboard/schema/defaults';
import type { Totals } from '@fuseboard/schema/types';
import { latencyBucket } from './histogram.ts';
import { type Row, Slab } from './slab.ts';

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

const WIDTH = LATENCY_BUCKETS + 8;
const TURN = 2 ** 31;

const slab = new Slab(WIDTH);

/** How often counters went round; they do so after two thousand million calls, so few breakers have an entry. */
const turns = new WeakMap<Tally, number[]>();

/** What a breaker counts over its life; it never runs backwards. */
export class Tally {
  readonly #page: Int32Array;
  readonly #row: number;

  constructor({ page, at }: Row = slab.take()) {
    this.#page = page;
    this.#row = at;
  }

  /** @param place one of `COUNTED`. */
  add(place: number): void {
    const count = this.#page[this.#row + place]! + 1;
    if (count === TURN) goRound(this, place);
    this.#page[this.#row + place] = count === TURN ? 0 : count;
  }

  /** A call ended; unless it is also counted as failed or ignored, it succeeded. */
  tookMs(ms: number): void {
    this.add(latencyBucket(ms));
  }

  /** Calls in each latency bucket. */
  latency(): number[] {
    return Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => this.count(bucket));
  }

  totals(): Totals {
    const read = (name: keyof typeof COUNTED) => this.count(COUNTED[name]);
    const [failed, ignored] = [read('failed'), read('ignored')];
    const ended = this.latency().reduce((sum, calls) => sum + calls, 0);
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

  /** @param place one of `COUNTED`, or a latency bucket. */
  count(place: number): number {
    return (turns.get(this)?.[place] ?? 0) * TURN + this.#page[this.#row + place]!;
  }
}

function goRound(tally: Tally, place: number): void {
  const each = turns.get(tally) ?? new Array<number>(WIDTH).fill(0);
  each[place]!++;
  turns.set(tally, each);
}
