/** Rows in a page. A page lives as long as one of its rows is used, so it is small. */
const ROWS = 64;

/** A row of counters inside a page that it shares with others. */
export interface Row {
  readonly page: Int32Array;
  /** Where the row begins. */
  readonly at: number;
}

/**
 * Gives out rows of counters, many to one typed array: an array of its own costs each breaker more than its contents.
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
