/** Buckets in a length of `slowMs`. */
const SPANS = 10;
/** The multiple of `slowerThan` after which a call counts as lost: a leaked permit must not open a circuit forever. */
const LIFETIMES = 10;
const BUCKETS = SPANS * LIFETIMES;

/**
 * Counts the calls under way by start time, in buckets of a tenth of `slowMs`. So the number of calls that are slow
 * already is known at any time without a list of calls, and the cost of each operation does not depend on their number.
 */
export class InFlight {
  /**
   * Calls that have been under way for more than `slowMs`, detected up to a tenth of it late, and for less than ten
   * times `slowMs`.
   */
  overdue = 0;
  /**
   * The time from which the start of a call evaluates the conditions. Until then the circuit is closed, no bucket ends
   * and no call under way is slow. Stored here because only circuits that count slow calls need it.
   */
  nextEvaluationAt = Number.NEGATIVE_INFINITY;
  readonly slowMs: number;
  readonly #span: number;
  readonly #counts = new Array<number>(BUCKETS).fill(0);
  /** The index of the bucket of calls that begin now. */
  #current = 0;
  /** The sum of `#counts`. While it is 0, buckets end at no cost, however many there are between two calls. */
  #older = 0;
  /** The calls of the current bucket; they are added to `#counts` when the bucket ends. */
  #fresh = 0;
  /** When the current bucket began and when it ends. */
  #start = 0;
  #end = 0;
  /** Calls that began in this bucket or before are no longer counted. */
  #forgottenTo = Number.NEGATIVE_INFINITY;

  constructor(slowMs: number, now: number) {
    this.slowMs = slowMs;
    this.#span = slowMs / SPANS;
    this.#enter(this.#bucket(now));
  }

  /** Until this time, `advance` changes nothing. */
  get steadyUntil(): number {
    return this.#end;
  }

  begin(at: number): void {
    if (at >= this.#end) this.advance(at);
    this.#fresh++;
  }

  /** The same as `begin` before `nextEvaluationAt`, when no bucket ends. */
  beginFresh(): void {
    this.#fresh++;
  }

  /** @param at the start time that `begin` got. */
  end(at: number): void {
    if (at < this.#start) this.#endOld(at);
    else this.#fresh--;
  }

  #endOld(at: number): void {
    const bucket = this.#bucket(at);
    if (bucket <= Math.max(this.#forgottenTo, this.#current - BUCKETS)) return;
    this.#counts[place(bucket)]!--;
    this.#older--;
    if (bucket < this.#current - SPANS) this.overdue--;
  }

  advance(now: number): void {
    if (now < this.#end) return;
    if (this.#current > this.#forgottenTo) {
      this.#counts[place(this.#current)] = this.#fresh;
      this.#older += this.#fresh;
    }
    const target = this.#bucket(now);
    for (let bucket = this.#current + 1; bucket <= target && this.#older !== 0; bucket++) {
      const oldest = place(bucket);
      const lost = this.#counts[oldest]!;
      this.overdue += this.#counts[place(bucket - SPANS - 1)]! - lost;
      this.#older -= lost;
      this.#counts[oldest] = 0;
    }
    this.#enter(target);
  }

  #enter(bucket: number): void {
    this.#current = bucket;
    this.#fresh = 0;
    this.#start = bucket * this.#span;
    this.#end = (bucket + 1) * this.#span;
  }

  clear(): void {
    this.overdue = 0;
    this.#fresh = 0;
    this.#older = 0;
    this.#counts.fill(0);
  }

  /** Stops counting the calls that began up to `until`, or in the same bucket; their ends are then ignored. */
  forget(until: number): void {
    const newest = this.#bucket(until);
    for (let bucket = Math.max(this.#forgottenTo + 1, this.#current - BUCKETS + 1); bucket <= newest; bucket++) {
      const at = place(bucket);
      const lost = this.#counts[at]!;
      if (bucket < this.#current - SPANS) this.overdue -= lost;
      this.#older -= lost;
      this.#counts[at] = 0;
    }
    this.#forgottenTo = Math.max(this.#forgottenTo, newest);
  }

  /** The bucket that contains a time. The quotient alone may be rounded to the bucket beside it. */
  #bucket(at: number): number {
    const bucket = Math.floor(at / this.#span);
    if (at < bucket * this.#span) return bucket - 1;
    return at < (bucket + 1) * this.#span ? bucket : bucket + 1;
  }
}

function place(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS;
}
