/** The columns whose values are summed in a slot. The columns of `HIGHEST` keep the maximum. */
const SUMMED = ['calls', 'failed', 'slow', 'rejected', 'fallback'] as const;
const HIGHEST = ['open', 'halfOpen'] as const;
export const SERIES_COLUMNS = [...SUMMED, ...HIGHEST] as const;

const WIDTH = SERIES_COLUMNS.length;

/** Number of slots in a series. */
export const SERIES_SLOTS = 180;

/** The initial length of a slot: the series then covers six minutes. */
const FIRST_SLOT_MS = 2_000;

/**
 * Counts since a start time, in a fixed number of slots. When time passes the last slot, each pair of slots is merged,
 * and the slot length doubles.
 */
export class Series {
  /** Start time of the first slot, in milliseconds. */
  readonly begin: number;
  slotMs = FIRST_SLOT_MS;
  /** Number of slots in use. */
  length = 0;
  readonly #values = new Uint32Array(SERIES_SLOTS * WIDTH);

  constructor(begin: number) {
    this.begin = begin;
  }

  /** Adds the `SUMMED` counts to the slot of a time. Times before the start belong to the first slot. */
  add(at: number, counts: readonly number[]): void {
    const from = this.#slot(at) * WIDTH;
    for (let i = 0; i < SUMMED.length; i += 1) this.#values[from + i]! += counts[i] ?? 0;
  }

  /** Raises the `HIGHEST` values in the slot of a time. */
  raise(at: number, levels: readonly number[]): void {
    const from = this.#slot(at) * WIDTH + SUMMED.length;
    for (let i = 0; i < HIGHEST.length; i += 1) {
      this.#values[from + i] = Math.max(this.#values[from + i]!, levels[i] ?? 0);
    }
  }

  /** The columns of all slots, slot after slot. */
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
