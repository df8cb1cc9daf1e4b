import type { EventEmitter } from 'node:events';

/**
 * A circuit breaker around a function, with the interface of opossum 10. Its options apply while no policy governs its `name` or
 * `group`; a policy that governs replaces them.
 */
declare class CircuitBreaker<TI extends unknown[] = unknown[], TR = unknown> extends EventEmitter {
  /** Whether this is a breaker's own error; false for what an action threw. */
  static isOurError(error: unknown): boolean;
  /** Creates a status to pass as `options.status`. */
  static newStatus(options: CircuitBreaker.StatusOptions): CircuitBreaker.Status;

  /**
   * @param action the function that `fire` calls. `fire` resolves with any other value.
   * @throws {TypeError} without an action, and for options that cannot be used; the message names the option.
   */
  constructor(action: ((...args: TI) => TR | PromiseLike<TR>) | TR, options?: CircuitBreaker.Options<TI>);

  readonly name: string;
  /** Absent in the options: the name. */
  readonly group: string;
  readonly enabled: boolean;
  /** Whether the circuit is half-open and its probe has not started. */
  readonly pendingClose: boolean;
  readonly closed: boolean;
  readonly opened: boolean;
  readonly halfOpen: boolean;
  readonly isShutdown: boolean;
  readonly status: CircuitBreaker.Status;
  /** The sum of the status's window. */
  readonly stats: CircuitBreaker.Stats;
  readonly warmUp: boolean;
  readonly volumeThreshold: number;
  /** A copy of the options with defaults applied. */
  readonly options: CircuitBreaker.Options<TI>;
  readonly action: (...args: TI) => TR | PromiseLike<TR>;
  /** The limit of concurrent calls, `capacity`. Not used while a policy governs. */
  readonly semaphore: CircuitBreaker.Semaphore;

  /** Calls the action through the breaker. Resolves with its result or that of the fallback; rejects with the action's error or the breaker's own. */
  fire(...args: TI): Promise<TR>;
  /** As `fire`, with `context` as the `this` of the action. */
  // biome-ignore lint/suspicious/noExplicitAny: any value can be a this.
  call(context: any, ...args: TI): Promise<TR>;
  /** Sets the function that answers instead of an error, called with the arguments of the call and the error. */
  // biome-ignore lint/suspicious/noExplicitAny: a fallback may take and return anything.
  fallback(fallback: ((...args: any[]) => any) | CircuitBreaker<any, any>): this;
  /** Closes the circuit. */
  close(): void;
  /** Opens the circuit for `resetTimeout`, or for as long as the policy that governs says. */
  open(): void;
  /** Ends the breaker: later calls are rejected with ESHUTDOWN; timers and listeners are removed and the cache is cleared. */
  shutdown(): void;
  enable(): void;
  /** Calls the action directly, without breaker, cache or fallback, until `enable`. */
  disable(): void;
  clearCache(): void;
  /**
   * Calls a function now and at each interval until `shutdown`; the circuit opens when it fails.
   *
   * @param interval in milliseconds; absent: 5000.
   * @throws {TypeError} when `check` is not a function or `interval` is not a number.
   */
  healthCheck(check: () => PromiseLike<unknown>, interval?: number): void;
  /** The signal of the abort controller; undefined without one. */
  getSignal(): AbortSignal | undefined;
  getAbortController(): AbortController | undefined;
  /** State and statistics, for `options.state` and `options.status` of another breaker. */
  toJSON(): { state: CircuitBreaker.State; status: CircuitBreaker.Stats };

  /** The open duration is over. `resetTimeout`: how long the circuit was open, in milliseconds. */
  on(event: 'halfOpen', listener: (resetTimeout: number) => void): this;
  on(event: 'close' | 'open' | 'shutdown', listener: () => void): this;
  on(event: 'cacheHit' | 'cacheMiss' | 'coalesceCacheHit' | 'coalesceCacheMiss', listener: () => void): this;
  on(event: 'fire', listener: (args: TI) => void): this;
  on(event: 'reject' | 'healthCheckFailed', listener: (error: Error) => void): this;
  on(event: 'timeout', listener: (error: Error, latencyMs: number, args: TI) => void): this;
  on(event: 'success', listener: (result: TR, latencyMs: number) => void): this;
  on(event: 'semaphoreLocked', listener: (error: Error, latencyMs: number) => void): this;
  on(event: 'fallback', listener: (result: unknown, error: Error) => void): this;
  on(event: 'failure', listener: (error: Error, latencyMs: number, args: TI) => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: an event emitter takes events of any other kind.
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

// What `export =` exports besides the class.
declare namespace CircuitBreaker {
  type ResetOn = 'error' | 'success' | 'timeout';

  interface Options<TI extends unknown[] = unknown[]> {
    /** Initial statistics: a status of `newStatus`, or the `status` of `toJSON`. */
    status?: Status | Partial<Stats> | undefined;
    /** Initial state: the `state` of `toJSON`. */
    state?: Partial<State> | undefined;
    /** Time limit of a call, in milliseconds; `false` and 0: none. Absent: 10000. */
    timeout?: number | false | undefined;
    /** @deprecated Has no effect but a message; use `errorThresholdPercentage`. */
    maxFailures?: number | undefined;
    /** How long the circuit stays open, in milliseconds, at most a day. Absent: 30000. */
    resetTimeout?: number | undefined;
    /** Length of the statistics window, in milliseconds. Absent: 10000. */
    rollingCountTimeout?: number | undefined;
    /** Number of buckets in the window. Absent: 10. */
    rollingCountBuckets?: number | undefined;
    /** Absent: the name of the action, or a UUID. */
    name?: string | undefined;
    /** Absent: the name. */
    group?: string | undefined;
    /** Whether mean and percentiles of latency are computed; otherwise they are -1. Absent: true. */
    rollingPercentilesEnabled?: boolean | undefined;
    /** Maximum number of concurrent calls. Absent: Number.MAX_SAFE_INTEGER. */
    capacity?: number | undefined;
    /** The circuit opens when failures exceed this percentage of the calls fired. Absent: 50. */
    errorThresholdPercentage?: number | undefined;
    /** Absent: true. */
    enabled?: boolean | undefined;
    /** Whether failures do not open the circuit during the first `rollingCountTimeout`. Absent: false. */
    allowWarmUp?: boolean | undefined;
    /** Minimum number of calls fired in the window before failures open the circuit. Absent: 0. */
    volumeThreshold?: number | undefined;
    /** Whether an error counts as a success; the call is rejected with it all the same. */
    // biome-ignore lint/suspicious/noExplicitAny: anything can be thrown, and filters look into it.
    errorFilter?: ((error: any, ...args: TI) => unknown) | undefined;
    /** Whether results are cached. Absent: false. */
    cache?: boolean | undefined;
    /** Time to live of cached results, in milliseconds; 0: no expiry. Absent: 0. */
    cacheTTL?: number | undefined;
    /** Maximum number of cached results without a `cacheTransport`. Absent: 2^24 - 1. */
    cacheSize?: number | undefined;
    /** Returns the cache key of a call. Absent: its arguments as JSON. */
    cacheGetKey?: ((...args: TI) => string) | undefined;
    /** Storage of cached results. Absent: memory. */
    cacheTransport?: CacheTransport | undefined;
    /** Whether calls with the same key share one call. Absent: false. */
    coalesce?: boolean | undefined;
    /** How long a call is shared, in milliseconds; 0: no expiry. Absent: `timeout`. */
    coalesceTTL?: number | undefined;
    /** Maximum number of shared calls. Absent: 2^24 - 1. */
    coalesceSize?: number | undefined;
    /** Outcomes after which a call is no longer shared. Absent: none. */
    coalesceResetOn?: readonly ResetOn[] | undefined;
    /** Aborted when a call exceeds its time limit. */
    abortController?: AbortController | undefined;
    /** Whether an aborted controller is replaced when the circuit becomes half-open or closes. Absent: false. */
    autoRenewAbortController?: boolean | undefined;
    /** Whether the status emits `snapshot`. Absent: true. */
    enableSnapshots?: boolean | undefined;
    /** Rotates the buckets with its event `rotate`. Absent: they rotate with time. */
    rotateBucketController?: EventEmitter | undefined;
  }

  interface StatusOptions
    extends Pick<
      Options,
      | 'rollingCountBuckets'
      | 'rollingCountTimeout'
      | 'rollingPercentilesEnabled'
      | 'enableSnapshots'
      | 'rotateBucketController'
    > {
    /** Initial counts of the newest bucket. */
    stats?: Partial<Stats> | undefined;
  }

  interface Status extends EventEmitter {
    readonly stats: Stats;
    readonly window: Window;
    readonly rollingPercentilesEnabled: boolean;
    readonly enableSnapshots: boolean;
    on(event: 'snapshot', listener: (snapshot: Stats) => void): this;
    // biome-ignore lint/suspicious/noExplicitAny: an event emitter takes events of any other kind.
    on(event: string | symbol, listener: (...args: any[]) => void): this;
  }

  interface Bucket {
    failures: number;
    fallbacks: number;
    successes: number;
    rejects: number;
    fires: number;
    timeouts: number;
    cacheHits: number;
    cacheMisses: number;
    coalesceCacheHits: number;
    coalesceCacheMisses: number;
    semaphoreRejections: number;
    percentiles: { [percentile: number]: number };
    /** In milliseconds. */
    latencyTimes: number[];
    /** Absent: the circuit did not open or close during this bucket. */
    isCircuitBreakerOpen?: boolean;
  }

  type Window = Bucket[];

  interface Stats extends Bucket {
    /** In milliseconds; -1 when `rollingPercentilesEnabled` is false. */
    latencyMean: number;
  }

  interface State {
    name: string;
    enabled: boolean;
    closed: boolean;
    open: boolean;
    halfOpen: boolean;
    warmUp: boolean;
    shutdown: boolean;
    /** When the circuit last opened, or when the breaker was created, in milliseconds since 1970. */
    lastTimerAt: number;
  }

  interface CacheTransport {
    get(key: string): unknown;
    /** @param ttl expiry of the value, in milliseconds since 1970; 0: never. */
    set(key: string, value: unknown, ttl: number): void;
    flush(): void;
  }

  interface Semaphore {
    /** Waits for a lock, at most `timeout` milliseconds; resolves with the function that releases it. */
    take(timeout?: number): Promise<() => void>;
    release(): void;
    /** Takes a lock if one is free; returns whether it did. */
    test(): boolean;
    /** Number of free locks. */
    readonly count: number;
  }
}

export = CircuitBreaker;
