interface Entry {
  readonly value: unknown;
  /** In milliseconds since 1970; 0: never. */
  readonly expiresAt: number;
}

/** The largest size of a Map. */
const LARGEST_MAP = 2 ** 24 - 1;

/** Values by key, in memory. At the limit, a new key evicts the oldest entry. */
export class MemoryCache {
  readonly cache = new Map<string, Entry>();
  readonly maxEntries: number;

  constructor(maxEntries?: number) {
    this.maxEntries = maxEntries ?? LARGEST_MAP;
  }

  /** The value of a key; undefined when it is absent or expired. */
  get(key: string): unknown {
    const entry = this.cache.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt === 0 || entry.expiresAt > Date.now()) return entry.value;
    this.cache.delete(key);
    return undefined;
  }

  /** @param expiresAt in milliseconds since 1970; 0: never. */
  set(key: string, value: unknown, expiresAt: number): void {
    if (this.cache.size >= this.maxEntries && !this.cache.has(key)) {
      const [oldest] = this.cache.keys();
      if (oldest !== undefined) this.cache.delete(oldest);
    }
    this.cache.set(key, { value, expiresAt });
  }

  delete(key: string): void {
    this.cache.delete(key);
  }

  flush(): void {
    this.cache.clear();
  }
}

/** The expiry of a value with a time to live in milliseconds; 0: never. */
export function expiresAt(ttl: number): number {
  return ttl > 0 ? Date.now() + ttl : 0;
}
