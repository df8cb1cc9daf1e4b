/** Maximum number of stored results of a breaker. */
const MAX_ENTRIES = 100;

interface CachedResult {
  readonly value: unknown;
  readonly at: number;
}

/**
 * The last successful result for each key. The least recently used key is removed first. A breaker and the circuits of
 * its keys share one.
 */
export class LastSuccesses {
  readonly #results = new Map<string, CachedResult>();

  get size(): number {
    return this.#results.size;
  }

  set(key: string, value: unknown, at: number): void {
    this.#results.delete(key);
    this.#results.set(key, { value, at });
    if (this.#results.size <= MAX_ENTRIES) return;
    const [oldest] = this.#results.keys();
    this.#results.delete(oldest!);
  }

  /** @param maxAgeMs 0: any age. */
  get(key: string, now: number, maxAgeMs: number): CachedResult | undefined {
    const cached = this.#results.get(key);
    if (cached === undefined) return undefined;
    this.#results.delete(key);
    if (maxAgeMs !== 0 && now - cached.at > maxAgeMs) return undefined;
    this.#results.set(key, cached);
    return cached;
  }
}
