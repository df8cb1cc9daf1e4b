/** How many spans a window is cut into: a call leaves at most a tenth of the window before its time is up. */
const SPANS = 10;

/**
 * Calls of the last `ms` milliseconds, counted in buckets `floor(now / span)` of ten spans. The current bucket and the
 * nine before it are inside, so that no call counts longer than the window reaches.
 */
export class TimeWindow {
  calls = 0;
  failures = 0;
  #span: number;
  /** The index of the bucket that takes what happens now. */
  #current: number;
  /** When that bucket ends. */
  #end = 0;
  /** Where its counts are. */
  #at = 0;
  /** Calls and failures of each bucket; see `place`. A plain array: a typed one of this size costs more to keep. */
  #counts = noCounts();

  constructor(ms: number, now: number) {
    this.#span = ms / SPANS;
    this.#current = Math.floor(now / this.#span);
    this.#enter(this.#current);
  }

  record(now: number, failed: boolean): void {
    if (now >= this.#end) this.advance(now);
    const at = this.#at;
    this.calls++;
    this.#counts[at]!++;
    if (failed) {
      this.failures++;
      this.#counts[at + 1]!++;
    }
  }

  advance(now: number): void {
    const target = Math.floor(now / this.#span);
    if (target <= this.#current) return;
    if (target - this.#current >= SPANS) {
      this.clear();
    } else {
      for (let bucket = this.#current + 1; bucket <= target; bucket++) this.#empty(place(bucket));
    }
    this.#enter(target);
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.#counts.fill(0);
  }

  /**
   * Changes how far back the window reaches. What is inside stays as far as the new window reaches: an old bucket moves
   * whole to the new bucket of its newest instant.
   */
  resize(ms: number, now: number): void {
    const span = ms / SPANS;
    if (span === this.#span) return;
    this.advance(now);
    const old = this.#counts;
    const [oldSpan, oldCurrent] = [this.#span, this.#current];
    this.#span = span;
    this.#enter(Math.floor(now / span));
    this.#counts = noCounts();
    this.calls = 0;
    this.failures = 0;
    for (let bucket = oldCurrent; bucket > oldCurrent - SPANS; bucket--) {
      const at = place(bucket);
      const to = Math.min(this.#current, Math.ceil(((bucket + 1) * oldSpan) / span) - 1);
      if (to > this.#current - SPANS) this.#add(to, old[at]!, old[at + 1]!);
    }
  }

  #enter(bucket: number): void {
    this.#current = bucket;
    this.#end = (bucket + 1) * this.#span;
    this.#at = place(bucket);
  }

  #add(bucket: number, calls: number, failures: number): void {
    const at = place(bucket);
    this.calls += calls;
    this.failures += failures;
    this.#counts[at]! += calls;
    this.#counts[at + 1]! += failures;
  }

  #empty(at: number): void {
    this.calls -= this.#counts[at]!;
    this.failures -= this.#counts[at + 1]!;
    this.#counts[at] = 0;
    this.#counts[at + 1] = 0;
  }
}

const noCounts = (): number[] => new Array<number>(2 * SPANS).fill(0);

/** Where the counts of a bucket are; the first buckets of a clock that has just begun reach back before zero. */
function place(bucket: number): number {
  return (((bucket % SPANS) + SPANS) % SPANS) * 2;
}
