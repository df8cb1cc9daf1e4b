/** The id for the absence of a name. */
export const NO_NAME = 0;
const OTHER_NAME = 1;
const MAX_LENGTH = 200;

/**
 * Numeric ids of names, so that recording a call stores no text. The number of ids is limited; further names become
 * `(other)`.
 */
export class NameIds {
  readonly #max: number;
  readonly #ids = new Map<string, number>();
  /** Each name as JSON text. */
  readonly #texts: string[] = ['', '"(other)"'];

  /** @param max maximum number of distinct names. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The id of a name; equal names have equal ids. Names are cut to 200 characters. */
  id(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (this.#ids.size >= this.#max) return OTHER_NAME;
    const id = this.#texts.push(JSON.stringify(name.slice(0, MAX_LENGTH))) - 1;
    this.#ids.set(name, id);
    return id;
  }

  /** The name as a JSON string; empty for `NO_NAME`. */
  json(id: number): string {
    return this.#texts[id] ?? '';
  }
}
