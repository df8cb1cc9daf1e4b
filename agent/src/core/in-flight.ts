/** Buckets in the time after which a call is slow. */
const SPANS = 10;
/** A call that takes so many times longer is given up as lost: a leaked permit must not open a circuit for ever. */
const LIFETIMES = 10;
const BUCKETS = SPANS * LIFETIMES;

/**
 * Counts the calls under way by when they began, in buckets of a tenth of `slowMs`, so that those that are slow
 * already are known at any moment without a list of them. Beginning, ending and looking cost the same however many
 * there are.
 */
export class InFlight {
  /** Calls that began longer than `slowMs` ago, at most a tenth of it later than they did, and less than ten times as long. */
  overdue = 0;
  readonly slowMs: number;
  readonly #span: number;
  readonly #counts = new Array<number>(BUCKETS).fill(0);
  #current: number;
  /** Calls that began in a bucket up to this one are not counted. */
  #floor = Number.NEGATIVE_INFINITY;

  constructor(slowMs: number, now: number) {
    this.slowMs = slowMs;
    this.#span = slowMs / SPANS;
    this.#current = Math.floor(now / this.#span);
  }

  begin(at: number): void {
    this.advance(at);
    const bucket = this.#bucket(at);
    if (bucket > this.#floor) this.#counts[place(bucket)]!++;
  }

  /** @param at when the call began; it is the same as for `begin`. */
  end(at: number): void {
    const bucket = this.#bucket(at);
    if (bucket <= Math.max(this.#floor, this.#current - BUCKETS)) return;
    this.#counts[place(bucket)]!--;
    if (bucket < this.#current - SPANS) this.overdue--;
  }

  advance(now: number): void {
    const target = this.#bucket(now);
    if (target - this.#current >= BUCKETS) {
      this.clear();
      this.#current = target;
    }
    while (this.#current < target) {
      this.#current++;
      const oldest = place(this.#current);
      this.overdue += this.#counts[place(this.#current - SPANS - 1)]! - this.#counts[oldest]!;
      this.#counts[oldest] = 0;
    }
  }

  clear(): void {
    this.overdue = 0;
    this.#counts.fill(0);
  }

  /** Stops counting the calls that began up to `until`, or in the same tenth; their end is not missed. */
  forget(until: number): void {
    const floor = this.#bucket(until);
    for (let bucket = Math.max(this.#floor + 1, this.#current - BUCKETS + 1); bucket <= floor; bucket++) {
      const at = place(bucket);
      if (bucket < this.#current - SPANS) this.overdue -= this.#counts[at]!;
      this.#counts[at] = 0;
    }
    this.#floor = Math.max(this.#floor, floor);
  }

  #bucket(at: number): number {
    return Math.floor(at / this.#span);
  }
}

function place(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS;
}
