import { parseDuration } from '@fuseboard/schema/duration';
import type { PolicySpec, Totals } from '@fuseboard/schema/types';
import { BreakerCore, type TransitionSink } from './core/breaker.ts';
import type { Clock, Surroundings } from './core/clock.ts';
import type { Config } from './core/config.ts';
import type { Reason, State, TransitionEvent } from './core/state.ts';
import type { Timeouts } from './core/timeout.ts';
import { ConfigError } from './errors.ts';
import { type Call, type Circuit, type ExecuteOptions, execute, executeSync } from './execute.ts';
import { Listeners } from './listeners.ts';

export type { Reason, State, TransitionEvent };

/** Where a breaker's configuration comes from: a policy, the defaults that code gave, or nowhere: then it never opens. */
export type Source = 'policy' | 'defaults' | 'none';

/** The policy that governs a breaker. */
export interface GoverningPolicy {
  readonly uid: string;
  /** 0 where the source of policies has no generations. */
  readonly generation: number;
  /** The name of the resource. */
  readonly name: string;
  /** The spec as it was applied; what it leaves out is not filled in. */
  readonly spec: PolicySpec;
}

/** What a breaker is doing. */
export interface BreakerStats {
  readonly state: State;
  readonly mode: Config['mode'];
  readonly source: Source;
  /** The policy that governs; absent when none does. */
  readonly uid?: string;
  /** How long the state has lasted, in milliseconds. */
  readonly sinceMs: number;
  /** What was counted since the breaker was made; never runs backwards. */
  readonly totals: Totals;
  /** How many calls took how long, since the breaker was made: bucket i counts those under 2^i x 0.125 ms that no smaller bucket counts, the last one the rest. */
  readonly latency: number[];
  /** The calls that the conditions of the policy look at. */
  readonly window: { readonly calls: number; readonly failures: number; readonly slow: number };
  /** The state that `forceOpen` or `forceClosed` holds the breaker in, and how long that still lasts. Absent: none. */
  readonly forced?: { readonly state: 'open' | 'closed'; readonly reason: string; readonly endsInMs: number };
  readonly consecutiveFailures: number;
  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  readonly retryAfterMs: number;
}

/** How a state is forced. */
export interface ForceOptions {
  /** A duration such as `10m`, from 1ms to 24h. */
  readonly for: string;
  /** Why, for those who wonder: 1 to 256 characters. It is in the transition's `detail` and in `stats()`. */
  readonly reason: string;
}

/** Leave for one call, from `enter`. Settle it once; settling it again does nothing. */
export interface Permit {
  /** The call went well. */
  succeed(): void;
  /** The call failed. An error is judged as the policy's `classify` says; without one it is a failure. */
  fail(error?: unknown): void;
  /** The call says nothing about the other side. */
  ignore(): void;
  /** Leaving the scope of `using` unsettled is an ignored outcome. */
  [Symbol.dispose](): void;
}

/** A circuit breaker. The handle stays valid whatever policy governs it, now and later. */
export interface Breaker {
  readonly name: string;
  /** The state now. */
  readonly state: State;
  /** The policy that governs now; absent while the defaults of the code hold, or nothing. */
  readonly policy?: GoverningPolicy | undefined;
  stats(): BreakerStats;
  /**
   * Calls a function through the breaker and judges what comes of it. The promise is fulfilled with the function's
   * result, or rejected with the very error that it threw. Without a call, it is rejected with a `CircuitOpenError`; after
   * the time that the policy allows, with a `CallTimeoutError`. A fallback, if given, answers instead of any error.
   */
  execute<T, F = never>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F>;
  /**
   * Calls a function that returns at once. Throws what the function throws, a `CircuitOpenError`, or a `TypeError` when
   * the function returns a promise. The time limit of a policy does not apply.
   */
  executeSync<T, F = never>(fn: () => T, options?: { readonly fallback?: (error: unknown) => F }): T | F;
  /** The same function, called through the breaker: `this`, arguments and overloads are kept. */
  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A): A;
  /** Asks for leave to make a call by other means; `null` is a rejection. No time limit applies. */
  enter(): Permit | null;
  /**
   * Opens the circuit by hand, in this process only, whatever its policy and mode. It ends by itself: then the circuit is
   * half-open and tests the other side (closed where the mode is Disabled). No edit of the policy ends it; `reset` does,
   * and forcing anew replaces it.
   *
   * @throws {ConfigError} when `for` is not a duration from 1ms to 24h, or there is no reason.
   */
  forceOpen(options: ForceOptions): void;
  /**
   * Closes the circuit by hand, in this process only: calls pass and are recorded, and no condition opens it. It ends by
   * itself: then the conditions judge again from the next outcome, by all that was recorded. No edit of the policy ends
   * it; `reset` does, and forcing anew replaces it.
   *
   * @throws {ConfigError} when `for` is not a duration from 1ms to 24h, or there is no reason.
   */
  forceClosed(options: ForceOptions): void;
  /** Ends a forced state and starts closed and empty, in this process only. What was counted stays. */
  reset(): void;
  /**
   * Hears of changes of state, in their order, after each has happened. A listener that throws is reported as a process
   * warning.
   *
   * @returns a function that ends the subscription.
   * @throws {TypeError} for any other event.
   */
  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void;
}

/** What a breaker runs under. */
export interface Governor {
  readonly source: Source;
  /** Present exactly when a policy governs. */
  readonly policy?: GoverningPolicy;
  /** The spec as text; a breaker starts afresh only when it changes. */
  readonly text: string;
  readonly config: Config;
}

/** What all breakers of a process share. */
export interface Runtime extends Surroundings {
  readonly timeouts: Timeouts;
  /** Hears of every change of state, after the breaker's own listeners. Must not throw. */
  transitioned?(breaker: Breaker, event: TransitionEvent): void;
}

/** The breaker as its registry sees it. */
export class GovernedBreaker implements Breaker, Circuit, TransitionSink {
  readonly name: string;
  readonly core: BreakerCore;
  readonly #runtime: Runtime;
  #governor: Governor;
  #listeners: Listeners<[TransitionEvent]> | undefined;

  constructor(name: string, governor: Governor, runtime: Runtime) {
    this.name = name;
    this.#runtime = runtime;
    this.#governor = governor;
    this.core = new BreakerCore(governor.config, runtime, this);
  }

  get clock(): Clock {
    return this.#runtime.clock;
  }

  get timeouts(): Timeouts {
    return this.#runtime.timeouts;
  }

  get state(): State {
    return this.core.state;
  }

  get policy(): GoverningPolicy | undefined {
    return this.#governor.policy;
  }

  stats(): BreakerStats {
    const { core } = this;
    const { source, policy } = this.#governor;
    const { forced } = core;
    return {
      state: core.state,
      mode: core.config.mode,
      source,
      ...(policy === undefined ? {} : { uid: policy.uid }),
      sinceMs: core.sinceMs,
      totals: core.tally.totals(),
      latency: core.tally.latency(),
      window: core.window,
      ...(forced === undefined ? {} : { forced }),
      consecutiveFailures: core.consecutiveFailures,
      retryAfterMs: core.retryAfterMs,
    };
  }

  execute<T, F = never>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F> {
    return execute(this, fn, options);
  }

  executeSync<T, F = never>(fn: () => T, options?: { readonly fallback?: (error: unknown) => F }): T | F {
    return executeSync(this, fn, options?.fallback);
  }

  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A): A {
    const circuit = this;
    const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
      return execute(circuit, () => fn.apply(this, args), undefined);
    };
    Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true });
    Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true });
    return wrapped as unknown as A;
  }

  enter(): Permit | null {
    return this.core.enter();
  }

  forceOpen(options: ForceOptions): void {
    this.core.forceOpen(this.#forceMs('forceOpen', options), options.reason);
  }

  forceClosed(options: ForceOptions): void {
    this.core.forceClosed(this.#forceMs('forceClosed', options), options.reason);
  }

  #forceMs(method: string, { for: duration, reason }: ForceOptions): number {
    const ms = parseDuration(duration);
    const isReason = typeof reason === 'string' && reason.length >= 1 && reason.length <= 256;
    if (ms !== undefined && isReason) return ms;
    const wanted = ms === undefined ? 'for: a duration such as 10m, from 1ms to 24h' : 'reason: 1 to 256 characters';
    throw new ConfigError(this.name, 0, `breaker "${this.name}" cannot ${method}; give ${wanted}`);
  }

  reset(): void {
    this.core.reset();
  }

  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void {
    if (event !== 'transition') throw new TypeError(`a breaker has no event "${String(event)}"; it has "transition"`);
    this.#listeners ??= new Listeners();
    return this.#listeners.add(listener);
  }

  /** Comes under another policy or another version of one. An edit keeps state and samples unless the new spec says Reset. */
  govern(governor: Governor): void {
    const changed = governor.text !== this.#governor.text;
    this.#governor = governor;
    if (changed) this.core.configure(governor.config, governor.config.resetOnUpdate);
  }

  transitioned(event: TransitionEvent): void {
    this.#listeners?.tell(`breaker "${this.name}"`, event);
    this.#runtime.transitioned?.(this, event);
  }
}
