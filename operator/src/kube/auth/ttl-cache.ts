interface Kept<T> {
  at: number;
  readonly answer: Promise<T>;
}

/**
 * Answers that count for a while, at most `max` of them; the one that was asked first is forgotten first. Who asks while an
 * answer is under way waits for the same one. One that fails is kept only when `keeps` says so.
 */
export class Recent<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #options: { readonly freshMs: number; readonly max: number; readonly keeps: (error: unknown) => boolean };

  constructor(options: { freshMs: number; max: number; keeps: (error: unknown) => boolean }) {
    this.#options = options;
  }

  get(key: string, now: number, ask: () => Promise<T>): Promise<T> {
    const { freshMs, max, keeps } = this.#options;
    const before = this.#kept.get(key);
    if (before && now - before.at < freshMs) return before.answer;
    const kept: Kept<T> = { at: now, answer: ask() };
    kept.answer.catch((error: unknown) => {
      if (!keeps(error)) kept.at = Number.NEGATIVE_INFINITY;
    });
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > max) this.#kept.delete(this.#kept.keys().next().value!);
    return kept.answer;
  }
}
