import { isAddress } from './address.ts';

/** The shared name of all names beyond the limit. */
export const OTHER = '(other)';

/**
 * The distinct names of one kind in a recording. Each is stored once, addresses become numbered names, and the number
 * of names is limited.
 */
export class NameTable {
  readonly #kind: string;
  readonly #max: number;
  readonly #kept = new Map<string, string>();
  #addresses = 0;
  #overflowed = false;

  /** @param kind prefix of the numbered names: `instance-1`. */
  constructor(kind: string, max: number) {
    this.#kind = kind;
    this.#max = max;
  }

  /** Whether there were more distinct names than the limit. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Whether any name was an address. */
  get hidAddresses(): boolean {
    return this.#addresses > 0;
  }

  keep(name: string): string {
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    if (this.#kept.size >= this.#max) {
      this.#overflowed = true;
      return OTHER;
    }
    // Copied, because a slice of a line would keep the whole block of the file in memory.
    const copy = Buffer.from(name.length > 200 ? name.slice(0, 200) : name, 'utf8').toString('utf8');
    const kept = isAddress(copy) ? `${this.#kind}-${++this.#addresses}` : copy;
    this.#kept.set(copy, kept);
    return kept;
  }
}
