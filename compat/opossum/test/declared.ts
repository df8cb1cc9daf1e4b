import type { EventEmitter } from 'node:events';
import type { CircuitBreaker } from '../src/circuit-breaker.ts';
import type { MemoryCache } from '../src/memory-cache.ts';
import type { Status } from '../src/status.ts';
import type Declared from '../types/index.cjs';

/** What the published types say of a class that others do not say of every emitter. */
type Own<T> = Omit<T, keyof EventEmitter>;

/** Fails to compile where the sources lack what is declared. */
type Fits<Found extends Wanted, Wanted> = [Found, Wanted];

// biome-ignore lint/suspicious/noExplicitAny: the sources leave it to the declarations what actions take and return.
export type Breaker = Fits<Own<CircuitBreaker>, Own<Declared<any[], any>>>;
export type Statics = Fits<Pick<typeof CircuitBreaker, 'isOurError'>, Pick<typeof Declared, 'isOurError'>>;
export type Statuses = Fits<Own<Status>, Own<Declared.Status>>;
export type Cache = Fits<MemoryCache, Declared.CacheTransport>;
