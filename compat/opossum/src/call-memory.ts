import type CircuitBreaker from '../types/index.cjs';
import { expiresAt } from './memory-cache.ts';
import type { Settings } from './options.ts';

/** What a breaker looks for before it calls: results that are kept, and calls that are shared. */
export class CallMemory {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The key of a call; undefined where nothing is kept or shared. */
  keyOf(breaker: unknown, args: unknown[]): string | undefined {
    const { cache, coalesce, cacheGetKey } = this.#settings;
    return cache || coalesce ? cacheGetKey.apply(breaker, args) : undefined;
  }

  /** What is kept for a key, a promise or a value. */
  kept(key: string): unknown {
    return this.#settings.cacheTransport?.get(key);
  }

  /** The call of a key that others may share. */
  shared(key: string): Promise<unknown> | undefined {
    return this.#settings.coalesceCache?.get(key) as Promise<unknown> | undefined;
  }

  /** Keeps what an action returned. */
  keep(key: string | undefined, result: Promise<unknown>): void {
    const { cache, cacheTransport, cacheTTL } = this.#settings;
    if (cache && key !== undefined) cacheTransport!.set(key, result, expiresAt(cacheTTL));
  }

  share(key: string | undefined, call: Promise<unknown>): void {
    const { coalesceCache, coalesceTTL } = this.#settings;
    if (key !== undefined) coalesceCache?.set(key, call, expiresAt(coalesceTTL));
  }

  /** Ends the sharing of a call. @param on only where this outcome ends it. Absent: in any case. */
  unshare(key: string | undefined, on?: CircuitBreaker.ResetOn): void {
    const { coalesceCache, coalesceResetOn } = this.#settings;
    if (key === undefined || (on !== undefined && !coalesceResetOn.includes(on))) return;
    coalesceCache?.delete(key);
  }

  clear(): void {
    const { cache, cacheTransport, coalesceCache } = this.#settings;
    if (cache) cacheTransport!.flush();
    coalesceCache?.flush();
  }
}
