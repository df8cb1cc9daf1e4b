/** The columns whose values are summed in a slot. The columns of `HIGHEST` keep the maximum. */
const SUMMED = ['calls', 'failed', 'slow', 'rejected', 'fallback'] as const;
const HIGHEST = ['open', 'halfOpen'] as const;
export const SERIES_COLUMNS = [...SUMMED, ...HIGHEST] as const;

const WIDTH = SERIES_COLUMNS.length;

/** Number of slots in a series. */
export const SERIES_SLOTS = 180;

/** The initial length of a slot: the series then covers six minutes. */
const FIRST_SLOT_MS = 2_000;

/** A series in a file. */
export interface SavedSeries {
  readonly begin: number;
  readonly slotMs: number;
  /** The columns of the slots in use, slot after slot. */
  readonly values: readonly number[];
  /** 1 for each slot that a report covers. */
  readonly reported: readonly number[];
}

/**
 * Counts since a start time, in a fixed number of slots. When time passes the last slot, each pair of slots is merged,
 * and the slot length doubles. A slot without a report has the levels of the report before it, and no known counts.
 */
export class Series {
  /** Start time of the first slot, in milliseconds. */
  readonly begin: number;
  slotMs = FIRST_SLOT_MS;
  /** Number of slots in use. */
  length = 0;
  readonly #values = new Uint32Array(SERIES_SLOTS * WIDTH);
  /** 1 for each slot that a report covers. */
  readonly #reported = new Uint8Array(SERIES_SLOTS);
  /** The latest levels, in the order of `HIGHEST`. */
  #levels: readonly number[] = [0, 0];

  constructor(begin: number) {
    this.begin = begin;
  }

  /**
   * A series as it was saved, with the given start time.
   *
   * @throws when it has more slots than a series, or not as many columns.
   */
  static restored({ slotMs, values, reported }: SavedSeries, begin: number): Series {
    if (reported.length > SERIES_SLOTS || values.length !== reported.length * WIDTH) {
      throw new Error(`a series of ${reported.length} slots has ${values.length} values`);
    }
    const series = new Series(begin);
    series.slotMs = slotMs;
    series.length = reported.length;
    series.#values.set(values);
    series.#reported.set(reported);
    if (reported.length > 0) series.#levels = values.slice(-HIGHEST.length);
    return series;
  }

  /** Adds the `SUMMED` counts to the slot of a time. Times before the start belong to the first slot. */
  add(at: number, counts: readonly number[]): void {
    const slot = this.#slot(at);
    const from = slot * WIDTH;
    this.#reported[slot] = 1;
    for (let i = 0; i < SUMMED.length; i += 1) this.#values[from + i]! += counts[i] ?? 0;
  }

  /** Raises the `HIGHEST` values in the slot of a time. */
  raise(at: number, levels: readonly number[]): void {
    const slot = this.#slot(at);
    const from = slot * WIDTH + SUMMED.length;
    this.#reported[slot] = 1;
    this.#levels = levels;
    for (let i = 0; i < HIGHEST.length; i += 1) {
      this.#values[from + i] = Math.max(this.#values[from + i]!, levels[i] ?? 0);
    }
  }

  /** Continues the latest levels up to a time. */
  advance(at: number): void {
    this.#slot(at);
  }

  /** For each slot, 1 when a report covers it, else 0. */
  get reported(): number[] {
    return [...this.#reported.subarray(0, this.length)];
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
    for (; this.length <= slot; this.length += 1) {
      this.#values.set(this.#levels, this.length * WIDTH + SUMMED.length);
    }
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
    const reported = this.#reported;
    for (let slot = 0; slot < SERIES_SLOTS; slot += 2) {
      reported[slot / 2] = Math.max(reported[slot]!, reported[slot + 1]!);
    }
    values.fill(0, (SERIES_SLOTS / 2) * WIDTH);
    reported.fill(0, SERIES_SLOTS / 2);
    this.slotMs *= 2;
    this.length = Math.ceil(this.length / 2);
  }
}
