/** Texts of calls that are held, few of them distinct, in two bytes each. */
export class TextColumn {
  #ids = new Uint16Array(0);
  readonly #texts: (string | undefined)[] = [undefined];
  readonly #known = new Map<string, number>();

  get(slot: number): string | undefined {
    return this.#texts[this.#ids[slot]!];
  }

  /** @throws RangeError beyond 65,535 distinct texts; the names of a reading are bounded below that. */
  set(slot: number, text: string | undefined): void {
    let id = text === undefined ? 0 : this.#known.get(text);
    if (id === undefined) {
      id = this.#texts.push(text) - 1;
      if (id > 65_535) throw new RangeError('more than 65,535 distinct texts in a column of calls');
      this.#known.set(text!, id);
    }
    this.#ids[slot] = id;
  }

  grow(capacity: number): void {
    this.#ids = grown(this.#ids, new Uint16Array(capacity));
  }
}

/** A larger array with what a smaller one held. */
export function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
