import type CircuitBreaker from '../types/index.cjs';
import { expiresAt } from './memory-cache.ts';
import type { Settings } from './options.ts';

/** The cache of a breaker's results, and its calls in flight that later calls of the same key share. */
export class CallMemory {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The key of a call; undefined without `cache` and `coalesce`. */
  keyOf(breaker: unknown, args: unknown[]): string | undefined {
    const { cache, coalesce, cacheGetKey } = this.#settings;
    return cache || coalesce ? cacheGetKey.apply(breaker, args) : undefined;
  }

  /** The cached result of a key: a promise, or whatever a custom transport returns. */
  kept(key: string): unknown {
    return this.#settings.cacheTransport?.get(key);
  }

  /** The call of a key to share. */
  shared(key: string): Promise<unknown> | undefined {
    return this.#settings.coalesceCache?.get(key) as Promise<unknown> | undefined;
  }

  /** Caches a result. */
  keep(key: string | undefined, result: Promise<unknown>): void {
    const { cache, cacheTransport, cacheTTL } = this.#settings;
    if (cache && key !== undefined) cacheTransport!.set(key, result, expiresAt(cacheTTL));
  }

  share(key: string | undefined, call: Promise<unknown>): void {
    const { coalesceCache, coalesceTTL } = this.#settings;
    if (key !== undefined) coalesceCache?.set(key, call, expiresAt(coalesceTTL));
  }

  /** Stops sharing a call. @param on the outcome, which must be listed in `coalesceResetOn`. Absent: always stops. */
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
