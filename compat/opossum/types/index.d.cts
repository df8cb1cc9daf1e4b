import type { EventEmitter } from 'node:events';

/**
 * A function behind a circuit breaker, as in opossum 10. While no policy governs its `name` or `group`, its options decide; while
 * one does, the policy decides.
 */
declare class CircuitBreaker<TI extends unknown[] = unknown[], TR = unknown> extends EventEmitter {
  /** Whether a breaker made this error itself; false for what an action threw. */
  static isOurError(error: unknown): boolean;
  /** Makes a status that a breaker can begin with. */
  static newStatus(options: CircuitBreaker.StatusOptions): CircuitBreaker.Status;

  /**
   * @param action what `fire` calls. Anything but a function is what `fire` resolves with.
   * @throws {TypeError} without an action, and for options that cannot be used; the message names the option.
   */
  constructor(action: ((...args: TI) => TR | PromiseLike<TR>) | TR, options?: CircuitBreaker.Options<TI>);

  readonly name: string;
  /** Absent in the options: the name. */
  readonly group: string;
  readonly enabled: boolean;
  /** Whether the circuit is half-open and no call tests it yet. */
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
  /** The options with what was absent filled in; a copy of what was given. */
  readonly options: CircuitBreaker.Options<TI>;
  readonly action: (...args: TI) => TR | PromiseLike<TR>;
  /** How many calls may be under way while the options decide. */
  readonly semaphore: CircuitBreaker.Semaphore;

  /** Calls the action; the result is that of the action, of the fallback, or an error. */
  fire(...args: TI): Promise<TR>;
  /** `fire` with a `this` for the action. */
  // biome-ignore lint/suspicious/noExplicitAny: any value can be a this.
  call(context: any, ...args: TI): Promise<TR>;
  /** Sets what answers instead of an error. It is given the arguments of the call and then the error. */
  // biome-ignore lint/suspicious/noExplicitAny: a fallback may take and return anything.
  fallback(fallback: ((...args: any[]) => any) | CircuitBreaker<any, any>): this;
  /** Closes the circuit. */
  close(): void;
  /** Opens the circuit for `resetTimeout`, or for as long as the policy that governs says. */
  open(): void;
  /** Ends the breaker: every later call is rejected with ESHUTDOWN, and nothing of it stays behind. */
  shutdown(): void;
  enable(): void;
  /** Lets calls pass by the breaker, the cache and the fallback. */
  disable(): void;
  clearCache(): void;
  /**
   * Calls a function now and again and again until `shutdown`; when it fails, the circuit opens.
   *
   * @param interval in milliseconds; absent: 5000.
   * @throws {TypeError} when the function is none or the interval is not a number.
   */
  healthCheck(check: () => PromiseLike<unknown>, interval?: number): void;
  /** The signal of the abort controller; undefined without one. */
  getSignal(): AbortSignal | undefined;
  getAbortController(): AbortController | undefined;
  /** State and statistics, to begin another breaker with. */
  toJSON(): { state: CircuitBreaker.State; status: CircuitBreaker.Stats };

  /** The circuit is half-open after so many milliseconds. */
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
    /** Statistics to begin with: a status of `newStatus`, or the `status` of `toJSON`. */
    status?: Status | Partial<Stats> | undefined;
    /** The state to begin with: the `state` of `toJSON`. */
    state?: Partial<State> | undefined;
    /** How long a call may take, in milliseconds; `false` and 0: without end. Absent: 10000. */
    timeout?: number | false | undefined;
    /** @deprecated Without effect but a message; use `errorThresholdPercentage`. */
    maxFailures?: number | undefined;
    /** How long the circuit stays open, in milliseconds, at most a day. Absent: 30000. */
    resetTimeout?: number | undefined;
    /** How far back the statistics reach, in milliseconds. Absent: 10000. */
    rollingCountTimeout?: number | undefined;
    /** How many buckets the statistics have. Absent: 10. */
    rollingCountBuckets?: number | undefined;
    /** Absent: the name of the action, or a UUID. */
    name?: string | undefined;
    /** Absent: the name. */
    group?: string | undefined;
    /** Whether latencies are summed up; otherwise mean and percentiles are -1. Absent: true. */
    rollingPercentilesEnabled?: boolean | undefined;
    /** How many calls may be under way. Absent: Number.MAX_SAFE_INTEGER. */
    capacity?: number | undefined;
    /** The circuit opens above this share of failures among the calls fired, in percent. Absent: 50. */
    errorThresholdPercentage?: number | undefined;
    /** Absent: true. */
    enabled?: boolean | undefined;
    /** Whether failures open nothing for the first `rollingCountTimeout`. Absent: false. */
    allowWarmUp?: boolean | undefined;
    /** How many calls must have been fired within the window before failures open the circuit. Absent: 0. */
    volumeThreshold?: number | undefined;
    /** Whether an error counts as a success; the call is rejected with it all the same. */
    // biome-ignore lint/suspicious/noExplicitAny: anything can be thrown, and filters look into it.
    errorFilter?: ((error: any, ...args: TI) => unknown) | undefined;
    /** Whether results are kept and given again. Absent: false. */
    cache?: boolean | undefined;
    /** How long results are kept, in milliseconds; 0: without end. Absent: 0. */
    cacheTTL?: number | undefined;
    /** How many results are kept where there is no `cacheTransport`. Absent: 2^24 - 1. */
    cacheSize?: number | undefined;
    /** The key of a call. Absent: its arguments as JSON. */
    cacheGetKey?: ((...args: TI) => string) | undefined;
    /** Where results are kept. Absent: in memory. */
    cacheTransport?: CacheTransport | undefined;
    /** Whether calls of the same key share one that is under way. Absent: false. */
    coalesce?: boolean | undefined;
    /** How long calls are shared, in milliseconds; 0: without end. Absent: `timeout`. */
    coalesceTTL?: number | undefined;
    /** How many shared calls are kept. Absent: 2^24 - 1. */
    coalesceSize?: number | undefined;
    /** Which outcomes end the sharing. Absent: none. */
    coalesceResetOn?: readonly ResetOn[] | undefined;
    /** Aborted when a call takes too long. */
    abortController?: AbortController | undefined;
    /** Whether an aborted controller is replaced when the circuit turns half-open or closes. Absent: false. */
    autoRenewAbortController?: boolean | undefined;
    /** Whether the status emits `snapshot`. Absent: true. */
    enableSnapshots?: boolean | undefined;
    /** Rotates the buckets by its event `rotate`. Absent: time does. */
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
    /** What the newest bucket begins with. */
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
    /** Absent: the circuit neither opened nor closed during this bucket. */
    isCircuitBreakerOpen?: boolean;
  }

  type Window = Bucket[];

  interface Stats extends Bucket {
    /** In milliseconds; -1 where latencies are not summed up. */
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
    /** When the circuit last opened, or else when the breaker was made, in milliseconds since 1970. */
    lastTimerAt: number;
  }

  interface CacheTransport {
    get(key: string): unknown;
    /** @param ttl when the value expires, in milliseconds since 1970; 0: never. */
    set(key: string, value: unknown, ttl: number): void;
    flush(): void;
  }

  interface Semaphore {
    /** Waits for a lock, for so many milliseconds at most; resolves with what releases it. */
    take(timeout?: number): Promise<() => void>;
    release(): void;
    /** Takes a lock if one is free, and says whether it was. */
    test(): boolean;
    /** How many locks are free. */
    readonly count: number;
  }
}

export = CircuitBreaker;
