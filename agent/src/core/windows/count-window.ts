/** The last `size` calls, two bits each: a failure, a slow call. */
export class CountWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  #size: number;
  /** The index of the next call; in a full window that of the oldest call. */
  #next = 0;
  #bits: Int32Array;

  constructor(size: number) {
    this.#size = size;
    this.#bits = new Int32Array(words(size));
  }

  get steadyUntil(): number {
    return Number.POSITIVE_INFINITY;
  }

  succeed(now: number): boolean {
    if (this.failures + this.slow > 0) {
      this.record(now, false, false);
      return this.failures + this.slow === 0;
    }
    // Nothing but successes leaves nothing to write.
    if (this.calls < this.#size) this.calls++;
    this.#next = this.#next + 1 === this.#size ? 0 : this.#next + 1;
    return true;
  }

  record(_now: number, failed: boolean, slow: boolean): void {
    const word = this.#next >>> 4;
    const shift = (this.#next & 15) << 1;
    const old = (this.#bits[word]! >>> shift) & 3;
    const bits = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    if (this.calls < this.#size) {
      this.calls++;
      this.#count(bits);
    } else if (bits !== old) {
      this.#count(bits);
      if ((old & FAILED) !== 0) this.failures--;
      if ((old & SLOW) !== 0) this.slow--;
    }
    if (bits !== old) this.#bits[word]! ^= (bits ^ old) << shift;
    this.#next = this.#next + 1 === this.#size ? 0 : this.#next + 1;
  }

  #count(bits: number): void {
    if ((bits & FAILED) !== 0) this.failures++;
    if ((bits & SLOW) !== 0) this.slow++;
  }

  /** Does nothing: time removes no call. */
  advance(_now: number): void {}

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
    this.#next = 0;
    this.#bits.fill(0);
  }

  /** Changes the size; the newest calls stay. */
  resize(size: number): void {
    if (size === this.#size) return;
    const kept = Math.min(this.calls, size);
    const newest: number[] = [];
    for (let age = kept; age >= 1; age--) {
      const at = (this.#next - age + this.#size) % this.#size;
      newest.push(this.#bits[at >>> 4]! >>> ((at & 15) << 1));
    }
    this.#size = size;
    this.#bits = new Int32Array(words(size));
    this.clear();
    for (const bits of newest) this.record(0, (bits & FAILED) !== 0, (bits & SLOW) !== 0);
  }
}

const FAILED = 1;
const SLOW = 2;
const words = (size: number): number => Math.ceil(size / 16);
