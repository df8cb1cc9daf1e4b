/** Counts in a fixed number of time slots; older slots are dropped. */
export class Ring {
  readonly #width: number;
  readonly #slots: number;
  readonly #values: Uint32Array;
  #newest = -1;

  /** @param width number of counts in a slot. */
  constructor(slots: number, width: number) {
    this.#width = width;
    this.#slots = slots;
    this.#values = new Uint32Array(slots * width);
  }

  /** Adds to the counts of a slot. Slots are numbered by time; a slot that is no longer stored is ignored. */
  add(slot: number, counts: readonly number[]): void {
    this.#advance(slot);
    if (slot <= this.#newest - this.#slots) return;
    const at = (slot % this.#slots) * this.#width;
    for (let i = 0; i < counts.length && i < this.#width; i += 1) this.#values[at + i]! += counts[i]!;
  }

  /** Replaces the counts of a slot. */
  set(slot: number, counts: readonly number[]): void {
    this.#advance(slot);
    if (slot <= this.#newest - this.#slots) return;
    this.#values.set(counts.slice(0, this.#width), (slot % this.#slots) * this.#width);
  }

  /** The counts of the slots from `first` to `last`, concatenated; zero for slots without counts. */
  read(first: number, last: number): number[] {
    const found: number[] = [];
    for (let slot = first; slot <= last; slot += 1) {
      const known = slot >= 0 && slot <= this.#newest && slot > this.#newest - this.#slots;
      const at = (slot % this.#slots) * this.#width;
      for (let i = 0; i < this.#width; i += 1) found.push(known ? this.#values[at + i]! : 0);
    }
    return found;
  }

  /** The sum of the slots from `first` to `last`. */
  sum(first: number, last: number): number[] {
    const sums = new Array<number>(this.#width).fill(0);
    this.read(first, last).forEach((count, i) => {
      sums[i % this.#width]! += count;
    });
    return sums;
  }

  #advance(slot: number): void {
    if (slot <= this.#newest) return;
    for (let next = Math.max(this.#newest + 1, slot - this.#slots + 1); next <= slot; next += 1) {
      const at = (next % this.#slots) * this.#width;
      this.#values.fill(0, at, at + this.#width);
    }
    this.#newest = slot;
  }
}
