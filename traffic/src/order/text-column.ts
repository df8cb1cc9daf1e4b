/** The texts of held calls, in two bytes each, because few of them are distinct. */
export class TextColumn {
  #ids = new Uint16Array(0);
  readonly #texts: (string | undefined)[] = [undefined];
  readonly #known = new Map<string, number>();

  get(slot: number): string | undefined {
    return this.#texts[this.#ids[slot]!];
  }

  /** @throws RangeError beyond 65,535 distinct texts, which the limit of names in a reading prevents. */
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

/** Copies an array into a larger one. */
export function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
