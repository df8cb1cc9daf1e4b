import { Slab } from './slab.ts';

/** Buckets in a window: a call is dropped at most a tenth of the window too early. */
const SPANS = 10;

/** Counters of a bucket: calls and failures. */
const STRIDE = 2;
const WIDTH = SPANS * STRIDE;

const slab = new Slab(WIDTH);

/** Slow calls of each bucket, for windows that have any: few policies count them. */
const slowCounts = new WeakMap<TimeWindow, number[]>();

/**
 * Calls of the last `ms` milliseconds, in buckets of a tenth of that, numbered `floor(now / span)`. The window is the
 * current bucket and the nine before it, so that no call counts longer than `ms`. Its own methods are only
 * TypeScript-private, because each private method with a # costs every object eight bytes.
 */
export class TimeWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  #span: number;
  /** The end of the current bucket. */
  #end = 0;
  readonly #page: Int32Array;
  /** Where the row of this window begins in its page; see `place` for the buckets in it. */
  readonly #row: number;

  constructor(ms: number, now: number) {
    const { page, at } = slab.take();
    this.#page = page;
    this.#row = at;
    this.#span = ms / SPANS;
    this.enter(Math.floor(now / this.#span));
  }

  get steadyUntil(): number {
    return this.#end;
  }

  succeed(now: number): boolean {
    if (now >= this.#end) this.advance(now);
    this.calls++;
    return this.failures + this.slow === 0;
  }

  record(now: number, failed: boolean, slow: boolean): void {
    if (now >= this.#end) this.advance(now);
    this.calls++;
    if (!failed && !slow) return;
    const at = this.place(endingAt(this.#end, this.#span));
    if (failed) {
      this.failures++;
      this.#page[at + 1]!++;
    }
    if (slow) this.addSlow(at, 1);
  }

  advance(now: number): void {
    if (now < this.#end) return;
    this.leave();
    const current = endingAt(this.#end, this.#span);
    const target = Math.floor(now / this.#span);
    if (target - current >= SPANS) {
      this.clear();
    } else {
      for (let bucket = current + 1; bucket <= target; bucket++) this.empty(this.place(bucket));
    }
    this.enter(target);
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
    this.#page.fill(0, this.#row, this.#row + WIDTH);
    slowCounts.delete(this);
  }

  /**
   * Changes the length of the window. Calls inside the new window stay: an old bucket is added to the new bucket that
   * contains its end.
   */
  resize(ms: number, now: number): void {
    const span = ms / SPANS;
    if (span === this.#span) return;
    this.advance(now);
    this.leave();
    const old = this.#page.slice(this.#row, this.#row + WIDTH);
    const oldSlow = slowCounts.get(this);
    const oldSpan = this.#span;
    const oldCurrent = endingAt(this.#end, oldSpan);
    const current = Math.floor(now / span);
    this.#span = span;
    this.clear();
    for (let bucket = oldCurrent; bucket > oldCurrent - SPANS; bucket--) {
      const from = this.place(bucket) - this.#row;
      const to = Math.min(current, Math.ceil(((bucket + 1) * oldSpan) / span) - 1);
      if (to <= current - SPANS) continue;
      this.add(to, old[from]!, old[from + 1]!);
      if (oldSlow !== undefined) this.addSlow(this.place(to), oldSlow[from / STRIDE]!);
    }
    this.enter(current);
  }

  /** Stores the number of calls in the current bucket, which replaces that of the others (see `enter`). */
  private leave(): void {
    const at = this.place(endingAt(this.#end, this.#span));
    this.#page[at] = this.calls - this.#page[at]!;
  }

  /**
   * Until `leave`, the current bucket stores the number of calls in the other buckets: a call then increments `calls`
   * only.
   */
  private enter(bucket: number): void {
    this.#end = (bucket + 1) * this.#span;
    const at = this.place(bucket);
    this.#page[at] = this.calls - this.#page[at]!;
  }

  /** The index of the counts of a bucket, whose number is negative when a clock near zero is read. */
  private place(bucket: number): number {
    return this.#row + (((bucket % SPANS) + SPANS) % SPANS) * STRIDE;
  }

  private add(bucket: number, calls: number, failures: number): void {
    const at = this.place(bucket);
    this.calls += calls;
    this.failures += failures;
    this.#page[at]! += calls;
    this.#page[at + 1]! += failures;
  }

  private addSlow(at: number, slow: number): void {
    this.slow += slow;
    const counts = slowCounts.get(this) ?? new Array<number>(SPANS).fill(0);
    counts[(at - this.#row) / STRIDE]! += slow;
    slowCounts.set(this, counts);
  }

  private empty(at: number): void {
    this.calls -= this.#page[at]!;
    this.failures -= this.#page[at + 1]!;
    this.#page[at] = 0;
    this.#page[at + 1] = 0;
    if (this.slow === 0) return;
    const counts = slowCounts.get(this)!;
    const bucket = (at - this.#row) / STRIDE;
    this.slow -= counts[bucket]!;
    counts[bucket] = 0;
  }
}

/** The index of the bucket that ends then; the quotient may be rounded. */
function endingAt(end: number, span: number): number {
  return Math.round(end / span) - 1;
}
