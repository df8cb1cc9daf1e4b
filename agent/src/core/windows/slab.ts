/** Rows in a page. A page stays in memory as long as one of its rows is used, so it is small. */
const ROWS = 64;

/** A row of counters in a page, which other rows share. */
export interface Row {
  readonly page: Int32Array;
  /** The index at which the row begins. */
  readonly at: number;
}

/**
 * Allocates rows of counters, many in one typed array: the overhead of an array is larger than a row.
 * A row need not be released; a page is garbage-collected when none of its rows is referenced.
 */
export class Slab {
  readonly #width: number;
  #page: Int32Array;
  #taken = 0;

  /** @param width counters in a row. */
  constructor(width: number) {
    this.#width = width;
    this.#page = new Int32Array(ROWS * width);
  }

  /** A row of zeros. */
  take(): Row {
    if (this.#taken === ROWS) {
      this.#page = new Int32Array(ROWS * this.#width);
      this.#taken = 0;
    }
    return { page: this.#page, at: this.#taken++ * this.#width };
  }
}
