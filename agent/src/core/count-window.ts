/** The last `size` calls, one bit each: 1 is a failure. */
export class CountWindow {
  calls = 0;
  failures = 0;
  #size: number;
  /** Where the next call goes; the oldest call is there once the window is full. */
  #next = 0;
  #bits: Uint32Array;

  constructor(size: number) {
    this.#size = size;
    this.#bits = new Uint32Array(Math.ceil(size / 32));
  }

  record(_now: number, failed: boolean): void {
    const word = this.#next >>> 5;
    const bit = 1 << (this.#next & 31);
    if (this.calls < this.#size) this.calls++;
    else if ((this.#bits[word]! & bit) !== 0) this.failures--;
    if (failed) {
      this.failures++;
      this.#bits[word]! |= bit;
    } else {
      this.#bits[word]! &= ~bit;
    }
    this.#next = this.#next + 1 === this.#size ? 0 : this.#next + 1;
  }

  /** Calls leave by number, not by age. */
  advance(_now: number): void {}

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.#next = 0;
  }

  /** Changes how many calls are held; the newest ones stay. */
  resize(size: number): void {
    if (size === this.#size) return;
    const { calls } = this;
    const kept = Math.min(calls, size);
    const newest: boolean[] = [];
    for (let age = kept; age >= 1; age--) {
      const at = (this.#next - age + this.#size) % this.#size;
      newest.push((this.#bits[at >>> 5]! & (1 << (at & 31))) !== 0);
    }
    this.#size = size;
    this.#bits = new Uint32Array(Math.ceil(size / 32));
    this.clear();
    for (const failed of newest) this.record(0, failed);
  }
}
