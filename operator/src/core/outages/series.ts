/** Columns of a series that are added up in a slot; of the others the highest value is kept. */
const SUMMED = ['calls', 'failed', 'slow', 'rejected', 'fallback'] as const;
const HIGHEST = ['open', 'halfOpen'] as const;
export const SERIES_COLUMNS = [...SUMMED, ...HIGHEST] as const;

const WIDTH = SERIES_COLUMNS.length;

/** Slots of a series. */
export const SERIES_SLOTS = 180;

/** How long a slot is at first: the series then covers six minutes. */
const FIRST_SLOT_MS = 2_000;

/**
 * What was counted since a moment, in a fixed number of slots: when time passes the last of them, pairs of slots become
 * one, and a slot is twice as long.
 */
export class Series {
  /** When the first slot begins, in milliseconds. */
  readonly begin: number;
  slotMs = FIRST_SLOT_MS;
  /** How many slots are in use. */
  length = 0;
  readonly #values = new Uint32Array(SERIES_SLOTS * WIDTH);

  constructor(begin: number) {
    this.begin = begin;
  }

  /** Adds `SUMMED` to the slot of a moment; of a moment before the beginning, to the first slot. */
  add(at: number, counts: readonly number[]): void {
    const from = this.#slot(at) * WIDTH;
    for (let i = 0; i < SUMMED.length; i += 1) this.#values[from + i]! += counts[i] ?? 0;
  }

  /** Raises `HIGHEST` in the slot of a moment. */
  raise(at: number, levels: readonly number[]): void {
    const from = this.#slot(at) * WIDTH + SUMMED.length;
    for (let i = 0; i < HIGHEST.length; i += 1) {
      this.#values[from + i] = Math.max(this.#values[from + i]!, levels[i] ?? 0);
    }
  }

  /** All columns of each slot, one slot after the other. */
  read(): number[] {
    return [...this.#values.subarray(0, this.length * WIDTH)];
  }

  #slot(at: number): number {
    let slot = Math.max(0, Math.floor((at - this.begin) / this.slotMs));
    while (slot >= SERIES_SLOTS) {
      this.#halve();
      slot = Math.floor((at - this.begin) / this.slotMs);
    }
    this.length = Math.max(this.length, slot + 1);
    return slot;
  }

  #halve(): void {
    const values = this.#values;
    for (let slot = 0; slot < SERIES_SLOTS; slot += 2) {
      const [a, b, to] = [slot * WIDTH, (slot + 1) * WIDTH, (slot / 2) * WIDTH];
      for (let i = 0; i < WIDTH; i += 1) {
        const [one, two] = [values[a + i]!, values[b + i]!];
        values[to + i] = i < SUMMED.length ? one + two : Math.max(one, two);
      }
    }
    values.fill(0, (SERIES_SLOTS / 2) * WIDTH);
    this.slotMs *= 2;
    this.length = Math.ceil(this.length / 2);
  }
}
