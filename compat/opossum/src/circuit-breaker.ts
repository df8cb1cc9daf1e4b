import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { isFuseboardError, type Permit, type State } from '@fuseboard/agent';
import type Declared from '../types/index.cjs';
import type { Count } from './buckets.ts';
import { CallMemory } from './call-memory.ts';
import { hasShutDown, isOurError, openBreaker, semaphoreLocked, timedOut } from './errors.ts';
import { type Settings, settingsOf } from './options.ts';
import { semaphore } from './semaphore.ts';
import { Status } from './status.ts';
import { SteeredCircuit } from './steered-circuit.ts';
import { startInterval, startTimer, type Timer } from './timers.ts';

/** The events of calls and what each of them counts; tools that list `eventNames()` find them all. */
const EVENTS = [
  'success',
  'failure',
  'fallback',
  'timeout',
  'fire',
  'reject',
  'cacheHit',
  'cacheMiss',
  'coalesceCacheHit',
  'coalesceCacheMiss',
  'open',
  'close',
  'semaphoreLocked',
] as const;

/** How often an open circuit is looked at whose policy may have changed meanwhile. */
const LOOK_EVERY_MS = 1_000;

type Action = (...args: unknown[]) => unknown;

/** One call of `fire` that was let through. */
interface Fired {
  readonly context: unknown;
  readonly args: unknown[];
  readonly key: string | undefined;
  /** How long it has taken, in whole milliseconds. */
  latency(): number;
  /** Tells the circuit what came of it. Absent: the circuit judges by itself. */
  readonly permit?: Permit;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A filtered error on its way through a circuit for which it is a success. */
class Filtered {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** See `types/index.d.cts`, which says what each member does. */
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
  readonly #circuit: SteeredCircuit;
  readonly #memory: CallMemory;
  readonly #healthChecks = new Set<Timer>();
  #fallback: Action | undefined;
  #enabled: boolean;
  #warmUp: boolean;
  #warmUpTimer: Timer | undefined;
  #isShutdown = false;
  #pendingClose = false;
  /** The state that was last told. */
  #state: State = 'closed';
  #openTimer: Timer | undefined;
  #openedAt = 0;
  #lastTimerAt = Date.now();
  #hasWarned = false;

  constructor(action: unknown, options: Declared.Options<unknown[]> = {}) {
    super();
    if (!action) {
      throw new TypeError('No action provided. Cannot construct a CircuitBreaker without an invocable action.');
    }
    const settings = settingsOf(options);
    if (options.maxFailures) {
      console.error('options.maxFailures is deprecated. Please use options.errorThresholdPercentage');
    }
    this.options = settings;
    this.action = typeof action === 'function' ? (action as Action) : () => action;
    this.semaphore = semaphore(settings.capacity);
    this.volumeThreshold = Number.isInteger(options.volumeThreshold) ? options.volumeThreshold! : 0;
    this.status = statusOf(settings);
    const name = options.name || (typeof action === 'function' ? action.name : undefined);
    this.name = name || randomUUID();
    this.group = options.group || this.name;
    this.#enabled = (options.state ?? options).enabled !== false;
    this.#warmUp = options.allowWarmUp === true || Boolean(options.state?.warmUp);
    this.#memory = new CallMemory(settings);
    this.#circuit = new SteeredCircuit(name || undefined, options.group || undefined, (to) => this.#moved(to));
    if (this.#warmUp) {
      this.#warmUpTimer = startTimer(() => {
        this.#warmUp = false;
      }, settings.rollingCountTimeout);
    }
    this.#moved(this.#circuit.state);
    if (options.state !== undefined) this.#begin(options.state);
    for (const event of EVENTS) this.on(event, () => {});
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get warmUp(): boolean {
    return this.#warmUp;
  }

  get pendingClose(): boolean {
    return this.#pendingClose && this.halfOpen;
  }

  get closed(): boolean {
    return !this.#isShutdown && this.#now() === 'closed';
  }

  get opened(): boolean {
    return this.#now() === 'open';
  }

  get halfOpen(): boolean {
    return !this.#isShutdown && this.#now() === 'half-open';
  }

  get isShutdown(): boolean {
    return this.#isShutdown;
  }

  get stats(): Declared.Stats {
    return this.status.stats;
  }

  toJSON(): { state: Declared.State; status: Declared.Stats } {
    const { name, enabled, closed, opened, halfOpen, warmUp, isShutdown } = this;
    return {
      state: {
        name,
        enabled,
        closed,
        open: opened,
        halfOpen,
        warmUp,
        shutdown: isShutdown,
        lastTimerAt: this.#lastTimerAt,
      },
      status: this.stats,
    };
  }

  fallback(fallback: Action | CircuitBreaker): this {
    this.#fallback = fallback instanceof CircuitBreaker ? (...args) => fallback.fire(...args) : fallback;
    return this;
  }

  fire(...args: unknown[]): Promise<unknown> {
    return this.call(this.action, ...args);
  }

  call(context: unknown, ...args: unknown[]): Promise<unknown> {
    if (this.#isShutdown) return Promise.reject(hasShutDown());
    this.#tell('fires', 'fire', args);
    if (!this.#enabled) return promiseOf(this.action.apply(context, args));
    const key = this.#memory.keyOf(this, args);
    if (key !== undefined) {
      const known = this.#recall(key);
      if (known !== undefined) return known;
    }
    return this.#circuit.isGoverned ? this.#callByPolicy(context, args, key) : this.#callByOptions(context, args, key);
  }

  close(): void {
    if (!this.#isShutdown && this.#now() !== 'closed') this.#circuit.close();
  }

  open(): void {
    if (this.#isShutdown || this.#now() === 'open') return;
    const { openDuration } = this.#circuit;
    if (openDuration === undefined) this.#circuit.open(this.options.resetTimeout, 'the code called open()');
    else this.#circuit.openFor(openDuration, 'the code called open()');
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

  healthCheck(check: () => PromiseLike<unknown>, interval: number = 5_000): void {
    if (typeof check !== 'function') throw new TypeError('Health check function must be a function');
    if (Number.isNaN(Number(interval))) throw new TypeError('Health check interval must be a number');
    const run = async (): Promise<void> => {
      try {
        await check.call(this);
      } catch (error) {
        if (this.#isShutdown) return;
        this.#tell(undefined, 'healthCheckFailed', error);
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
    this.#tell(undefined, 'shutdown');
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
      this.#circuit.release();
    }
    this.clearCache();
  }

  /** The state now. Of a breaker that was shut down, what the calls that were under way made of it. */
  #now(): State {
    return this.#isShutdown ? this.#state : this.#circuit.state;
  }

  /** Takes over the state that another breaker had. */
  #begin({ closed, halfOpen, shutdown, lastTimerAt }: Partial<Declared.State>): void {
    if (shutdown) {
      this.shutdown();
      return;
    }
    if (closed !== false) return;
    const { resetTimeout } = this.options;
    const isOver = lastTimerAt !== undefined && Date.now() - lastTimerAt > resetTimeout;
    this.open();
    if (halfOpen || isOver) this.#endOpen();
  }

  #recall(key: string): Promise<unknown> | undefined {
    if (this.options.cache) {
      const kept = this.#memory.kept(key);
      this.#tell(kept ? 'cacheHits' : 'cacheMisses', kept ? 'cacheHit' : 'cacheMiss');
      if (kept) return promiseOf(kept);
    }
    if (!this.options.coalesce) return undefined;
    const shared = this.#memory.shared(key);
    if (shared === undefined) this.#tell('coalesceCacheMisses', 'coalesceCacheMiss');
    else this.#tell('coalesceCacheHits', 'coalesceCacheHit');
    return shared;
  }

  /** A call while the options decide: their time limit and their capacity apply, and their share of failures opens the circuit. */
  #callByOptions(context: unknown, args: unknown[], key: string | undefined): Promise<unknown> {
    const permit = this.#circuit.enter();
    if (permit === null) return this.#rejected(args, openBreaker());
    this.#pendingClose = false;
    const call = this.#promised(context, args, key, permit, (fired) => {
      if (this.semaphore.test()) this.#run(fired);
      else this.#locked(fired, semaphoreLocked());
    });
    this.#memory.share(key, call);
    return call;
  }

  /** A call while a policy decides: all that it says applies, and nothing of the options that it could say. */
  #callByPolicy(context: unknown, args: unknown[], key: string | undefined): Promise<unknown> {
    let thrown: unknown;
    const call = this.#promised(context, args, key, undefined, (fired) => {
      this.#circuit
        .execute(async () => {
          this.#pendingClose = false;
          try {
            return await this.action.apply(context, args);
          } catch (error) {
            if (this.#isFiltered(error, args)) return new Filtered(error);
            thrown = error;
            throw error;
          }
        })
        .then(
          (result) => this.#succeeded(fired, result),
          (error) => (error === thrown ? this.#threw(fired, error) : this.#refused(fired, error)),
        );
    });
    this.#memory.share(key, call);
    return call;
  }

  #promised(
    context: unknown,
    args: unknown[],
    key: string | undefined,
    permit: Permit | undefined,
    run: (fired: Fired) => void,
  ): Promise<unknown> {
    const startedAt = performance.now();
    const latency = () => Math.round(performance.now() - startedAt);
    return new Promise((resolve, reject) => {
      run({ context, args, key, latency, resolve, reject, ...(permit === undefined ? {} : { permit }) });
    });
  }

  /** Calls the action within the time limit of the options. */
  #run(fired: Fired): void {
    const { timeout } = this.options;
    let isOver = false;
    const expire = (): void => {
      if (!end()) return;
      this.semaphore.release();
      this.#expired(fired, timedOut(timeout as number));
    };
    const timer = timeout ? setTimeout(expire, timeout) : undefined;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      clearTimeout(timer);
      return true;
    };
    const threw = (error: unknown): void => {
      if (!end()) return;
      this.semaphore.release();
      this.#threw(fired, error);
    };
    try {
      promiseOf(this.action.apply(fired.context, fired.args)).then((result) => {
        if (!end()) return;
        this.#succeeded(fired, result);
        this.semaphore.release();
      }, threw);
    } catch (error) {
      threw(error);
    }
  }

  #succeeded(fired: Fired, result: unknown): void {
    if (result instanceof Filtered) {
      this.#fails(fired, result.error, true);
      this.#memory.unshare(fired.key, 'error');
      return;
    }
    const latency = fired.latency();
    this.status.increment('successes', latency);
    fired.permit?.succeed();
    this.#tell(undefined, 'success', result, latency);
    this.#memory.unshare(fired.key, 'success');
    fired.resolve(result);
    this.#memory.keep(fired.key, Promise.resolve(result));
  }

  #threw(fired: Fired, error: unknown): void {
    this.#fails(fired, error);
    this.#memory.unshare(fired.key, 'error');
  }

  #expired(fired: Fired, error: Error): void {
    const latency = fired.latency();
    this.status.increment('timeouts', latency);
    this.#tell(undefined, 'timeout', error, latency, fired.args);
    this.#fails(fired, error);
    this.#memory.unshare(fired.key, 'timeout');
    this.options.abortController?.abort();
  }

  #locked(fired: Fired, error: Error): void {
    this.#tell('semaphoreRejections', 'semaphoreLocked', error, fired.latency());
    this.#fails(fired, error);
    this.#memory.unshare(fired.key);
  }

  /** What the circuit itself made of a call, in the words of opossum. */
  #refused(fired: Fired, error: unknown): void {
    if (isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')) {
      this.#expired(fired, timedOut(fired.latency(), error));
    } else if (isFuseboardError(error, 'ERR_FUSEBOARD_OPEN')) {
      this.#memory.unshare(fired.key);
      fired.resolve(this.#rejected(fired.args, openBreaker(error)));
    } else this.#locked(fired, semaphoreLocked(error));
  }

  #rejected(args: unknown[], error: Error): Promise<unknown> {
    this.#tell('rejects', 'reject', error);
    return this.#answer(args, error) ?? Promise.reject(error);
  }

  #fails(fired: Fired, error: unknown, isFiltered = this.#isFiltered(error, fired.args)): void {
    const { args, permit } = fired;
    const latency = fired.latency();
    if (isFiltered) {
      this.status.increment('successes', latency);
      permit?.succeed();
      this.#tell(undefined, 'success', error, latency);
      fired.reject(error);
      return;
    }
    this.status.increment('failures', latency);
    this.#tell(undefined, 'failure', error, latency, args);
    if (permit !== undefined) this.#judge(permit, error);
    const answer = this.#answer(args, error);
    if (answer === undefined) fired.reject(error);
    else fired.resolve(answer);
  }

  /** A refusal for want of capacity says nothing about the other side, but it ends the test of a half-open circuit. */
  #judge(permit: Permit, error: unknown): void {
    const isRefusal = isOurError(error) && (error as { code?: unknown }).code === 'ESEMLOCKED';
    if (isRefusal && this.#now() !== 'half-open') permit.ignore();
    else permit.fail();
    if (this.#warmUp || this.#now() !== 'closed') return;
    const { fires, failures } = this.status.totals();
    const { errorThresholdPercentage, resetTimeout } = this.options;
    if (fires < this.volumeThreshold || !((failures / fires) * 100 > errorThresholdPercentage)) return;
    if (this.#isShutdown) this.#state = 'open';
    else {
      const reason = `${failures} failures in ${fires} calls fired, above errorThresholdPercentage ${errorThresholdPercentage}`;
      this.#circuit.open(resetTimeout, reason);
    }
  }

  #answer(args: unknown[], error: unknown): Promise<unknown> | undefined {
    const fallback = this.#fallback;
    if (fallback === undefined) return undefined;
    try {
      const answer = fallback.apply(fallback, [...args, error]);
      this.#tell('fallbacks', 'fallback', answer, error);
      return promiseOf(answer);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #isFiltered(error: unknown, args: unknown[]): boolean {
    try {
      return Boolean(this.options.errorFilter(error, ...args));
    } catch (thrown) {
      this.#warn('errorFilter', thrown);
      return false;
    }
  }

  /** The circuit is in another state. */
  #moved(to: State): void {
    if (this.#isShutdown || to === this.#state) return;
    this.#state = to;
    this.#pendingClose = to === 'half-open';
    clearTimeout(this.#openTimer);
    if (to === 'open') {
      this.#openedAt = performance.now();
      this.#lastTimerAt = Date.now();
      this.status.open();
      this.#awaitEndOfOpen();
      this.#tell(undefined, 'open');
      return;
    }
    this.#renewAbortController();
    if (to === 'closed') {
      this.status.close();
      this.#tell(undefined, 'close');
    } else {
      const openMs = Math.round(performance.now() - this.#openedAt);
      this.#tell(undefined, 'halfOpen', this.#circuit.isGoverned ? openMs : this.options.resetTimeout);
    }
  }

  #awaitEndOfOpen(): void {
    const { resetTimeout } = this.options;
    if (this.#circuit.isGoverned) {
      this.#openTimer = startTimer(() => this.#look(), Math.min(LOOK_EVERY_MS, this.#circuit.retryAfterMs + 1));
      return;
    }
    // A probe that failed has opened the circuit for as long as policies say where they say nothing.
    this.#circuit.open(resetTimeout, `resetTimeout ${resetTimeout}`);
    this.#openTimer = startTimer(() => this.#endOpen(), resetTimeout);
  }

  #endOpen(): void {
    if (!this.#circuit.isGoverned) this.#circuit.endOpen();
    this.#look();
  }

  /** Looks whether the circuit is still open; that it is not any more is told by itself. */
  #look(): void {
    if (this.#isShutdown || this.#circuit.state !== 'open') return;
    clearTimeout(this.#openTimer);
    this.#openTimer = startTimer(() => this.#look(), Math.min(LOOK_EVERY_MS, this.#circuit.retryAfterMs + 1));
  }

  #renewAbortController(): void {
    const { autoRenewAbortController, abortController } = this.options;
    if (autoRenewAbortController && abortController?.signal.aborted)
      this.options.abortController = new AbortController();
  }

  /** Counts and emits. What a listener throws is not the fault of the call. */
  #tell(count: Count | undefined, event: string, ...about: unknown[]): void {
    if (count !== undefined) this.status.increment(count);
    try {
      this.emit(event, ...about);
    } catch (error) {
      this.#warn(`a listener for "${event}"`, error);
    }
  }

  #warn(who: string, error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(`${who} of circuit breaker "${this.name}" threw: ${String(error)}`, {
      code: 'FUSEBOARD_OPOSSUM',
    });
  }
}

function statusOf(settings: Settings): Status {
  const { status } = settings;
  if (status instanceof Status) return status;
  return new Status(status === undefined ? settings : { stats: status as Partial<Declared.Stats> });
}

/** A thenable stays itself, as its identity may matter; anything else becomes a promise. */
function promiseOf(value: unknown): Promise<unknown> {
  const isThenable = typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
  return isThenable ? (value as Promise<unknown>) : Promise.resolve(value);
}
