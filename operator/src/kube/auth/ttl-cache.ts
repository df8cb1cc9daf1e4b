interface CacheEntry<T> {
  at: number;
  readonly answer: Promise<T>;
}

/**
 * Answers that count for a while, at most `max` of them; the one that was asked first is forgotten first. Who asks
 * while an answer is under way waits for the same one. One that fails is kept only when `keeps` says so.
 */
export class TtlCache<T> {
  readonly #entries = new Map<string, CacheEntry<T>>();
  readonly #options: { readonly freshMs: number; readonly max: number; readonly keeps: (error: unknown) => boolean };

  constructor(options: { freshMs: number; max: number; keeps: (error: unknown) => boolean }) {
    this.#options = options;
  }

  get(key: string, now: number, ask: () => Promise<T>): Promise<T> {
    const { freshMs, max, keeps } = this.#options;
    const before = this.#entries.get(key);
    if (before && now - before.at < freshMs) return before.answer;
    const kept: CacheEntry<T> = { at: now, answer: ask() };
    kept.answer.catch((error: unknown) => {
      if (!keeps(error)) kept.at = Number.NEGATIVE_INFINITY;
    });
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    if (this.#entries.size > max) this.#entries.delete(this.#entries.keys().next().value!);
    return kept.answer;
  }
}
