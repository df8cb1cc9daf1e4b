import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { State } from '@fuseboard/agent';
import type Declared from '../types/index.cjs';
import { Announcer } from './announcer.ts';
import { CallMemory } from './call-memory.ts';
import { type Action, Calls } from './calls.ts';
import { hasShutDown, isOurError } from './errors.ts';
import { type Settings, settingsOf } from './options.ts';
import { promiseOf } from './promise-of.ts';
import { semaphore } from './semaphore.ts';
import { Status } from './status.ts';
import { SteeredBreaker } from './steered-breaker.ts';
import { startInterval, startTimer, type Timer } from './timers.ts';

/** How often an open circuit is read while its open duration may change with its policy. */
const LOOK_EVERY_MS = 1_000;

/** Public documentation is in `types/index.d.cts`. */
export class CircuitBreaker extends EventEmitter {
  static isOurError(error: unknown): boolean {
    return isOurError(error);
  }

  static newStatus(options: Declared.StatusOptions): Status {
    return new Status(options);
  }

  readonly options: Settings;
  readonly action: Action;
  readonly semaphore: Declared.Semaphore;
  readonly name: string;
  readonly group: string;
  readonly volumeThreshold: number;
  readonly status: Status;
  readonly #announcer: Announcer;
  readonly #breaker: SteeredBreaker;
  readonly #memory: CallMemory;
  readonly #calls: Calls;
  readonly #healthChecks = new Set<Timer>();
  #enabled: boolean;
  #warmUp: boolean;
  #warmUpTimer: Timer | undefined;
  #isShutdown = false;
  /** Whether the circuit is half-open and its probe has not started. */
  #pendingClose = false;
  /**
   * The state that was last emitted. After a shutdown: `open` once calls that were in flight failed often enough, as in
   * opossum.
   */
  #state: State = 'closed';
  #openTimer: Timer | undefined;
  #openedAt = 0;
  #lastTimerAt = Date.now();

  constructor(action: unknown, options: Declared.Options<unknown[]> = {}) {
    super();
    if (!action) {
      throw new TypeError('No action provided. Cannot construct a CircuitBreaker without an invocable action.');
    }
    this.options = settingsOf(options);
    if (options.maxFailures) {
      console.error('options.maxFailures is deprecated. Please use options.errorThresholdPercentage');
    }
    const givenName = options.name || (typeof action === 'function' && action.name) || undefined;
    this.action = typeof action === 'function' ? (action as Action) : () => action;
    this.name = givenName ?? randomUUID();
    this.group = options.group || this.name;
    this.semaphore = semaphore(this.options.capacity);
    this.volumeThreshold = Number.isInteger(options.volumeThreshold) ? options.volumeThreshold! : 0;
    this.status = statusOf(this.options);
    this.#enabled = (options.state ?? options).enabled !== false;
    this.#warmUp = options.allowWarmUp === true || Boolean(options.state?.warmUp);
    this.#announcer = new Announcer(this, this.status, this.name);
    this.#memory = new CallMemory(this.options);
    this.#breaker = new SteeredBreaker(givenName, options.group || undefined, (to, isForced) => {
      this.#moved(to, isForced);
    });
    this.#calls = this.#madeCalls();
    if (this.#warmUp) {
      this.#warmUpTimer = startTimer(() => {
        this.#warmUp = false;
      }, this.options.rollingCountTimeout);
    }
    this.#moved(this.#breaker.state(), true);
    if (options.state !== undefined) this.#begin(options.state);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get warmUp(): boolean {
    return this.#warmUp;
  }

  // opossum has getters here. Each brings the state up to date first, so reading one may emit an event.
  get pendingClose(): boolean {
    return this.#pendingClose && this.halfOpen;
  }

  get closed(): boolean {
    return !this.#isShutdown && this.#breaker.state() === 'closed';
  }

  get opened(): boolean {
    return (this.#isShutdown ? this.#state : this.#breaker.state()) === 'open';
  }

  get halfOpen(): boolean {
    return !this.#isShutdown && this.#breaker.state() === 'half-open';
  }

  get isShutdown(): boolean {
    return this.#isShutdown;
  }

  get stats(): Declared.Stats {
    return this.status.stats;
  }

  toJSON(): { state: Declared.State; status: Declared.Stats } {
    const { name, enabled, closed, opened: open, halfOpen, warmUp, isShutdown: shutdown } = this;
    const lastTimerAt = this.#lastTimerAt;
    return { state: { name, enabled, closed, open, halfOpen, warmUp, shutdown, lastTimerAt }, status: this.stats };
  }

  fallback(fallback: Action | Pick<CircuitBreaker, 'fire'>): this {
    this.#calls.fallback = typeof fallback === 'function' ? fallback : (...args) => fallback.fire(...args);
    return this;
  }

  fire(...args: unknown[]): Promise<unknown> {
    return this.call(this.action, ...args);
  }

  call(context: unknown, ...args: unknown[]): Promise<unknown> {
    if (this.#isShutdown) return Promise.reject(hasShutDown());
    this.#announcer.tell('fire', args);
    if (!this.#enabled) return promiseOf(this.action.apply(context, args));
    const key = this.#memory.keyOf(this, args);
    const known = key === undefined ? undefined : this.#recall(key);
    return known ?? this.#calls.make(context, args, key);
  }

  close(): void {
    if (!this.#isShutdown && !this.closed) this.#breaker.close();
  }

  open(): void {
    if (!this.#isShutdown && !this.opened) this.#breaker.openOnRequest(this.options.resetTimeout);
  }

  enable(): void {
    this.#enabled = true;
    this.status.startListeneningForRotateEvent();
  }

  disable(): void {
    this.#enabled = false;
    this.status.removeRotateBucketControllerListener();
  }

  clearCache(): void {
    this.#memory.clear();
  }

  healthCheck(check: () => PromiseLike<unknown>, interval?: number): void {
    if (typeof check !== 'function') throw new TypeError('Health check function must be a function');
    if (Number.isNaN(Number(interval ?? 0))) throw new TypeError('Health check interval must be a number');
    const run = async (): Promise<void> => {
      try {
        await check.call(this);
      } catch (error) {
        if (this.#isShutdown) return;
        this.#announcer.tell('healthCheckFailed', error);
        this.open();
      }
    };
    this.#healthChecks.add(startInterval(() => void run(), interval || 5_000));
    void run();
  }

  getSignal(): AbortSignal | undefined {
    return this.options.abortController?.signal;
  }

  getAbortController(): AbortController | undefined {
    return this.options.abortController;
  }

  shutdown(): void {
    this.#announcer.tell('shutdown');
    this.disable();
    this.removeAllListeners();
    clearTimeout(this.#openTimer);
    clearTimeout(this.#warmUpTimer);
    for (const timer of this.#healthChecks) clearInterval(timer);
    this.#healthChecks.clear();
    this.status.shutdown();
    if (!this.#isShutdown) {
      this.#isShutdown = true;
      this.#state = 'closed';
      this.#breaker.release();
    }
    this.clearCache();
  }

  #madeCalls(): Calls {
    const { action, options, semaphore, status } = this;
    return new Calls({
      ...{ action, options, semaphore, status },
      ...{ breaker: this.#breaker, memory: this.#memory, announcer: this.#announcer },
      began: () => {
        this.#pendingClose = false;
      },
      failed: () => this.#evaluate(),
    });
  }

  /** Imports the state of another breaker. */
  #begin({ closed, halfOpen, shutdown, lastTimerAt }: Partial<Declared.State>): void {
    if (shutdown) {
      this.shutdown();
      return;
    }
    if (closed !== false) return;
    const isOver = lastTimerAt !== undefined && Date.now() - lastTimerAt > this.options.resetTimeout;
    this.open();
    if (halfOpen || isOver) this.#endOpen();
  }

  /** A cached result, or a call in flight to share. */
  #recall(key: string): Promise<unknown> | undefined {
    if (this.options.cache) {
      const kept = this.#memory.kept(key);
      this.#announcer.tell(kept ? 'cacheHit' : 'cacheMiss');
      if (kept) return promiseOf(kept);
    }
    if (!this.options.coalesce) return undefined;
    const shared = this.#memory.shared(key);
    this.#announcer.tell(shared === undefined ? 'coalesceCacheMiss' : 'coalesceCacheHit');
    return shared;
  }

  /** Opens the circuit when failures exceed `errorThresholdPercentage` of the calls fired. */
  #evaluate(): void {
    const isClosed = this.#isShutdown ? this.#state === 'closed' : this.closed;
    if (this.#warmUp || !isClosed) return;
    const { fires, failures } = this.status.totals();
    const { errorThresholdPercentage: threshold, resetTimeout } = this.options;
    if (fires < this.volumeThreshold || !((failures / fires) * 100 > threshold)) return;
    if (this.#isShutdown) this.#state = 'open';
    else
      this.#breaker.open(resetTimeout, `${failures} failures in ${fires} calls, errorThresholdPercentage ${threshold}`);
  }

  /** Follows a change of state. @param isForced whether the state was forced, with its own duration. */
  #moved(to: State, isForced: boolean): void {
    if (this.#isShutdown || to === this.#state) return;
    this.#state = to;
    this.#pendingClose = to === 'half-open';
    clearTimeout(this.#openTimer);
    if (to === 'open') {
      this.#openedAt = performance.now();
      this.#lastTimerAt = Date.now();
      this.status.open();
      this.#awaitEndOfOpen(isForced);
      this.#announcer.tell('open');
      return;
    }
    this.#renewAbortController();
    if (to === 'closed') {
      this.status.close();
      this.#announcer.tell('close');
    } else {
      const openMs = Math.round(performance.now() - this.#openedAt);
      this.#announcer.tell('halfOpen', this.#breaker.isGoverned() ? openMs : this.options.resetTimeout);
    }
  }

  #awaitEndOfOpen(isForced: boolean): void {
    if (this.#breaker.isGoverned()) {
      this.#lookAgain();
      return;
    }
    const { resetTimeout } = this.options;
    // The circuit reopens after a failed probe for its default duration.
    if (!isForced) this.#breaker.open(resetTimeout, `a probe failed; resetTimeout ${resetTimeout}`);
    this.#waitOpen(resetTimeout);
  }

  /** Makes the circuit half-open after `resetTimeout`, unless a policy begins to govern before. */
  #waitOpen(leftMs: number): void {
    const stepMs = Math.min(leftMs, LOOK_EVERY_MS);
    this.#openTimer = startTimer(() => {
      if (this.#breaker.isGoverned()) this.#lookAgain();
      else if (leftMs > stepMs) this.#waitOpen(leftMs - stepMs);
      else this.#endOpen();
    }, stepMs);
  }

  #endOpen(): void {
    this.#breaker.endOpen();
    this.#lookAgain();
  }

  /**
   * State that depends on time is brought up to date when it is read, so an open circuit is read until it is half-open.
   */
  #lookAgain(): void {
    if (this.#isShutdown || this.#breaker.state() !== 'open') return;
    clearTimeout(this.#openTimer);
    this.#openTimer = startTimer(() => this.#lookAgain(), Math.min(LOOK_EVERY_MS, this.#breaker.retryAfterMs() + 1));
  }

  #renewAbortController(): void {
    const { options } = this;
    if (options.autoRenewAbortController && options.abortController?.signal.aborted) {
      options.abortController = new AbortController();
    }
  }
}

function statusOf(settings: Settings): Status {
  const { status } = settings;
  if (status instanceof Status) return status;
  return new Status(status === undefined ? settings : { stats: status as Partial<Declared.Stats> });
}
