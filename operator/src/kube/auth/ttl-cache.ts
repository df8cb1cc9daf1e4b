import { dropOldest } from '../../core/drop-oldest.ts';

interface CacheEntry<T> {
  at: number;
  readonly answer: Promise<T>;
}

/**
 * A cache of at most `max` answers with a time to live; the oldest is removed first. Concurrent requests for the same
 * key wait for the same answer. A failure is cached only when `keeps` says so.
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
    dropOldest(this.#entries, max);
    return kept.answer;
  }
}
