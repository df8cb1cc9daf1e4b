/** How many keys a breaker keeps an answer for. */
const MAX_ENTRIES = 100;

interface Kept {
  readonly value: unknown;
  readonly at: number;
}

/** The last good result for each key, the least recently used key leaves first. A breaker and the circuits of its keys share one. */
export class LastSuccesses {
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  keep(key: string, value: unknown, at: number): void {
    this.#kept.delete(key);
    this.#kept.set(key, { value, at });
    if (this.#kept.size <= MAX_ENTRIES) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }

  /** @param maxAgeMs 0: any age. */
  find(key: string, now: number, maxAgeMs: number): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    if (maxAgeMs !== 0 && now - kept.at > maxAgeMs) return undefined;
    this.#kept.set(key, kept);
    return kept;
  }
}
