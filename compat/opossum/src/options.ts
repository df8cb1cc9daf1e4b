import type CircuitBreaker from '../types/index.cjs';
import { MemoryCache } from './memory-cache.ts';

/** Options with defaults applied. */
export type Settings = CircuitBreaker.Options<unknown[]> & {
  timeout: number | false;
  resetTimeout: number;
  errorThresholdPercentage: number;
  rollingCountTimeout: number;
  rollingCountBuckets: number;
  rollingPercentilesEnabled: boolean;
  capacity: number;
  errorFilter: (error: unknown, ...args: unknown[]) => unknown;
  cacheTTL: number;
  cacheGetKey: (...args: unknown[]) => string;
  enableSnapshots: boolean;
  coalesce: boolean;
  coalesceTTL: number;
  coalesceResetOn: CircuitBreaker.ResetOn[];
  coalesceCache?: MemoryCache;
};

const NUMBERS = [
  'timeout',
  'resetTimeout',
  'errorThresholdPercentage',
  'rollingCountTimeout',
  'rollingCountBuckets',
  'cacheTTL',
  'coalesceTTL',
] as const;

const RESET_ON: readonly unknown[] = ['error', 'success', 'timeout'];

/**
 * Applies the defaults to a copy of the options.
 *
 * @throws {TypeError} for a number that is not finite, a transport without a required method, or a controller that
 * cannot abort.
 */
export function settingsOf(options: CircuitBreaker.Options<unknown[]>): Settings {
  for (const name of NUMBERS) requireNumber(name, options[name]);
  const timeout = options.timeout ?? 10_000;
  const settings: Settings = {
    ...options,
    timeout,
    resetTimeout: options.resetTimeout ?? 30_000,
    errorThresholdPercentage: options.errorThresholdPercentage ?? 50,
    rollingCountTimeout: options.rollingCountTimeout ?? 10_000,
    rollingCountBuckets: options.rollingCountBuckets ?? 10,
    rollingPercentilesEnabled: options.rollingPercentilesEnabled !== false,
    capacity: Number.isInteger(options.capacity) ? options.capacity! : Number.MAX_SAFE_INTEGER,
    errorFilter: options.errorFilter || (() => false),
    cacheTTL: options.cacheTTL ?? 0,
    cacheGetKey: options.cacheGetKey ?? ((...args) => JSON.stringify(args)),
    enableSnapshots: options.enableSnapshots !== false,
    coalesce: Boolean(options.coalesce),
    coalesceTTL: options.coalesceTTL ?? (timeout as number),
    coalesceResetOn: options.coalesceResetOn?.filter((each) => RESET_ON.includes(each)) ?? [],
  };
  if (settings.cache) settings.cacheTransport = transportOf(options);
  if (settings.coalesce) settings.coalesceCache = new MemoryCache(options.coalesceSize);
  if (settings.autoRenewAbortController) settings.abortController ??= new AbortController();
  if (settings.abortController && typeof settings.abortController.abort !== 'function') {
    throw new TypeError('AbortController does not contain `abort()` method');
  }
  return settings;
}

function requireNumber(name: (typeof NUMBERS)[number], value: unknown): void {
  if (value === undefined || value === null || Number.isFinite(value)) return;
  if (value === false && (name === 'timeout' || name === 'coalesceTTL')) return;
  throw new TypeError(`options.${name} must be a finite number; it is ${described(value)}`);
}

function described(value: unknown): string {
  return typeof value === 'number' ? String(value) : `of type ${typeof value}`;
}

function transportOf({ cacheTransport, cacheSize }: CircuitBreaker.Options<unknown[]>): CircuitBreaker.CacheTransport {
  if (cacheTransport === undefined) return new MemoryCache(cacheSize);
  const { get, set, flush } = (cacheTransport ?? {}) as Partial<CircuitBreaker.CacheTransport>;
  if (typeof cacheTransport === 'object' && get && set && flush) return cacheTransport;
  throw new TypeError('options.cacheTransport should be an object with `get`, `set` and `flush` methods');
}
