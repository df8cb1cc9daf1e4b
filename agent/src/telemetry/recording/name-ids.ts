/** The id of no name. */
export const NO_NAME = 0;
const OTHER_NAME = 1;
const MAX_LENGTH = 200;

/** Numbers for names, so that a call is recorded without its texts. Bounded: further names are `(other)`. */
export class NameIds {
  readonly #max: number;
  readonly #ids = new Map<string, number>();
  /** Each name as JSON text. */
  readonly #texts: string[] = ['', '"(other)"'];

  /** @param max how many names are kept apart. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The same number for the same name; names are cut to 200 characters. */
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
