import { Slab } from './slab.ts';

/** How many spans a window is cut into: a call leaves at most a tenth of the window before its time is up. */
const SPANS = 10;

/** Counters of a bucket: calls and failures. */
const STRIDE = 2;
const WIDTH = SPANS * STRIDE;

const slab = new Slab(WIDTH);

/**
 * Calls of the last `ms` milliseconds, counted in buckets `floor(now / span)` of ten spans. The current bucket and the
 * nine before it are inside, so that no call counts longer than the window reaches.
 */
export class TimeWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  #span: number;
  /** The index of the bucket that takes what happens now. */
  #current: number;
  /** When that bucket ends. */
  #end = 0;
  /** Where its counts are; that of its calls is there only once it has ended. */
  #at = 0;
  /** Calls in the other buckets. */
  #before = 0;
  readonly #page: Int32Array;
  /** Where the row of this window begins in its page; see `#place` for the buckets in it. */
  readonly #row: number;
  /** Slow calls of each bucket, since the first slow call: few policies look at them. */
  #slowCounts: number[] | undefined;

  constructor(ms: number, now: number) {
    const { page, at } = slab.take();
    this.#page = page;
    this.#row = at;
    this.#span = ms / SPANS;
    this.#current = Math.floor(now / this.#span);
    this.#enter(this.#current);
  }

  get steadyUntil(): number {
    return this.#end;
  }

  succeed(now: number): void {
    if (now >= this.#end) this.advance(now);
    this.calls++;
  }

  record(now: number, failed: boolean, slow: boolean): void {
    if (now >= this.#end) this.advance(now);
    this.calls++;
    if (failed) {
      this.failures++;
      this.#page[this.#at + 1]!++;
    }
    if (slow) this.#addSlow(this.#at, 1);
  }

  advance(now: number): void {
    if (now < this.#end) return;
    this.#leave();
    const target = Math.floor(now / this.#span);
    if (target - this.#current >= SPANS) {
      this.clear();
    } else {
      for (let bucket = this.#current + 1; bucket <= target; bucket++) this.#empty(this.#place(bucket));
    }
    this.#enter(target);
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
    this.#before = 0;
    this.#page.fill(0, this.#row, this.#row + WIDTH);
    this.#slowCounts = undefined;
  }

  /**
   * Changes how far back the window reaches. What is inside stays as far as the new window reaches: an old bucket moves
   * whole to the new bucket of its newest instant.
   */
  resize(ms: number, now: number): void {
    const span = ms / SPANS;
    if (span === this.#span) return;
    this.advance(now);
    this.#leave();
    const old = this.#page.slice(this.#row, this.#row + WIDTH);
    const oldSlow = this.#slowCounts;
    const [oldSpan, oldCurrent] = [this.#span, this.#current];
    this.#span = span;
    this.#current = Math.floor(now / span);
    this.clear();
    for (let bucket = oldCurrent; bucket > oldCurrent - SPANS; bucket--) {
      const from = this.#place(bucket) - this.#row;
      const to = Math.min(this.#current, Math.ceil(((bucket + 1) * oldSpan) / span) - 1);
      if (to <= this.#current - SPANS) continue;
      this.#add(to, old[from]!, old[from + 1]!);
      if (oldSlow !== undefined) this.#addSlow(this.#place(to), oldSlow[from / STRIDE]!);
    }
    this.#enter(this.#current);
  }

  /** Writes down how many calls the current bucket has. */
  #leave(): void {
    this.#page[this.#at] = this.calls - this.#before;
  }

  #enter(bucket: number): void {
    this.#current = bucket;
    this.#end = (bucket + 1) * this.#span;
    this.#at = this.#place(bucket);
    this.#before = this.calls - this.#page[this.#at]!;
  }

  /** Where the counts of a bucket are; the first buckets of a clock that has just begun reach back before zero. */
  #place(bucket: number): number {
    return this.#row + (((bucket % SPANS) + SPANS) % SPANS) * STRIDE;
  }

  #add(bucket: number, calls: number, failures: number): void {
    const at = this.#place(bucket);
    this.calls += calls;
    this.failures += failures;
    this.#page[at]! += calls;
    this.#page[at + 1]! += failures;
  }

  #addSlow(at: number, slow: number): void {
    this.slow += slow;
    this.#slowCounts ??= new Array<number>(SPANS).fill(0);
    this.#slowCounts[(at - this.#row) / STRIDE]! += slow;
  }

  #empty(at: number): void {
    this.calls -= this.#page[at]!;
    this.failures -= this.#page[at + 1]!;
    this.#page[at] = 0;
    this.#page[at + 1] = 0;
    if (this.#slowCounts === undefined) return;
    const bucket = (at - this.#row) / STRIDE;
    this.slow -= this.#slowCounts[bucket]!;
    this.#slowCounts[bucket] = 0;
  }
}
