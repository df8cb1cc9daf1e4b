import { parseDuration } from '@fuseboard/schema/duration';
import type { PolicySpec, Totals } from '@fuseboard/schema/types';
import type { Circuit } from './circuit.ts';
import type { Call } from './context.ts';
import { BreakerCore, detail, type Host } from './core/breaker.ts';
import type { Classify } from './core/classify.ts';
import { type Clock, exactNow, type Surroundings } from './core/clock.ts';
import type { Config } from './core/config.ts';
import type { Reason, State, TransitionEvent } from './core/state.ts';
import type { Timeouts } from './core/timeout.ts';
import { publishTransition } from './diagnostics.ts';
import { ConfigError } from './errors.ts';
import { type ExecuteOptions, enter, execute, executeSync } from './execute.ts';
import { hasOptedIn } from './fallback.ts';
import { type Guards, guardsFor } from './guards.ts';
import { KeyedBreaker, wrapped } from './keyed-breaker.ts';
import { KeyedCircuits } from './keyed-circuits.ts';
import { Listeners } from './listeners.ts';
import type { Override } from './overrides.ts';

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
  readonly mode: 'Enforce' | 'Shadow' | 'Disabled';
  readonly source: Source;
  /** The policy that governs; absent when none does. */
  readonly uid?: string;
  /** How long the state has lasted, in milliseconds. */
  readonly sinceMs: number;
  /** What was counted since the breaker was made, by all its keys together; never runs backwards. */
  readonly totals: Totals;
  /** How many calls took how long, since the breaker was made: bucket i counts those under 2^i x 0.125 ms that no smaller bucket counts, the last one the rest. */
  readonly latency: number[];
  /** The calls that the conditions of the policy look at. */
  readonly window: { readonly calls: number; readonly failures: number; readonly slow: number };
  /** The state that an override, `forceOpen` or `forceClosed` holds the breaker in, and how long that still lasts. Absent: none. */
  readonly forced?: {
    readonly state: 'open' | 'closed';
    readonly reason: string;
    readonly endsInMs: number;
    /** The CircuitBreakerOverride that does. Absent: the code of this process. */
    readonly override?: { readonly uid: string; readonly name: string } | undefined;
  };
  /** Whether any call, with a key or without, let the fallback of the policy answer. Absent: it has none, or there was no call yet. */
  readonly optedIn?: boolean;
  readonly consecutiveFailures: number;
  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  readonly retryAfterMs: number;
}

/** How a state is forced. */
export interface ForceOptions {
  /** A duration such as `10m`, from 1ms to 24h; for `forceOpen` also `0ms`. */
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
  /** The key of a circuit from `for`; absent for the breaker itself. `*` stands for all keys that share one. */
  readonly key?: string | undefined;
  /** The state now. */
  readonly state: State;
  /** Where its configuration comes from now. */
  readonly source: Source;
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
   * and forcing anew replaces it. An override replaces it too, and while one holds the breaker this does nothing. With `0ms` the circuit is
   * half-open at once.
   *
   * @throws {ConfigError} when `for` is neither `0ms` nor a duration from 1ms to 24h, or there is no reason.
   */
  forceOpen(options: ForceOptions): void;
  /**
   * Closes the circuit by hand, in this process only: calls pass and are recorded, and no condition opens it. It ends by
   * itself: then the conditions judge again from the next outcome, by all that was recorded. No edit of the policy ends
   * it; `reset` does, and forcing anew replaces it. An override replaces it too, and while one holds the breaker this does
   * nothing.
   *
   * @throws {ConfigError} when `for` is not a duration from 1ms to 24h, or there is no reason.
   */
  forceClosed(options: ForceOptions): void;
  /** Ends a forced state and starts closed and empty, in this process only; not while an override holds the breaker. What was counted stays. */
  reset(): void;
  /**
   * The circuit of one key, such as a host: all as for a breaker of its own under the same policy, its limit of concurrent calls
   * too. A key whose circuit is closed leaves when it was not used for a while; when there are more keys than the policy allows, and for
   * keys of more than 256 characters, one circuit is shared.
   *
   * @throws {ConfigError} when the key is no text.
   */
  for(key: string): Breaker;
  /**
   * Hears of changes of state, those of its keys too, in their order, after each has happened. A listener that throws is reported as a process
   * warning.
   *
   * @returns a function that ends the subscription.
   * @throws {TypeError} for any other event.
   */
  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void;
}

/** Ends that two replicas of the operator tell for one override differ by less. */
const SAME_END_MS = 1_000;

/**
 * What a breaker runs under.
 *
 * @internal
 */
export interface Governor {
  readonly source: Source;
  /** Present exactly when a policy governs. */
  readonly policy?: GoverningPolicy;
  /** The spec as text; a breaker starts afresh only when it changes. */
  readonly text: string;
  readonly config: Config;
  /** What governs when the policy does so no more. Absent: this does, no policy. */
  readonly defaults?: Governor;
}

/**
 * What all breakers of a process share.
 *
 * @internal
 */
export interface Runtime extends Surroundings {
  readonly timeouts: Timeouts;
  /** Hears of every change of state, after the breaker's own listeners. Must not throw. */
  transitioned?(breaker: Breaker, event: TransitionEvent): void;
}

/** Who listens to a breaker, and the overrides that hold some: few breakers have either, so they have no place for them. */
const listeners = new WeakMap<GovernedBreaker, Listeners<[TransitionEvent]>>();
const overrides = new WeakMap<GovernedBreaker, Override>();

/**
 * The breaker as its registry sees it. There may be very many: its own methods are private for the compiler only, as those
 * with a # cost every object eight bytes.
 *
 * @internal
 */
export class GovernedBreaker implements Breaker, Circuit, Host {
  readonly name: string;
  readonly core: BreakerCore;
  guards: Guards | undefined;
  readonly key: string | undefined;
  readonly #runtime: Runtime;
  #governor: Governor;
  /** Of a breaker, the circuits of its keys; of one of these, those that it is among. */
  #family: KeyedCircuits | undefined;

  constructor(name: string, governor: Governor, runtime: Runtime, key?: string, family?: KeyedCircuits) {
    this.name = name;
    this.key = key;
    this.#runtime = runtime;
    this.#governor = governor;
    this.#family = family;
    this.core = new BreakerCore(governor.config, this);
    this.guards = guardsFor(governor.config, undefined);
  }

  get parent(): GovernedBreaker | undefined {
    return this.key === undefined ? undefined : this.#family!.owner;
  }

  private get keys(): KeyedCircuits | undefined {
    return this.key === undefined ? this.#family : undefined;
  }

  /** What governs while no policy does. */
  get defaults(): Governor {
    return this.#governor.defaults ?? this.#governor;
  }

  get clock(): Clock {
    return this.#runtime.clock;
  }

  get timeouts(): Timeouts {
    return this.#runtime.timeouts;
  }

  random(): number {
    return this.#runtime.random();
  }

  wallNow(): number {
    return this.#runtime.wallNow();
  }

  get state(): State {
    return this.core.state;
  }

  get source(): Source {
    return this.#governor.source;
  }

  get policy(): GoverningPolicy | undefined {
    return this.#governor.policy;
  }

  stats(): BreakerStats {
    const { core } = this;
    const { source, policy } = this.#governor;
    const { forced } = core;
    const totals = this.keys?.totals(core.totals()) ?? core.totals();
    const { succeeded, failed, ignored, rejected } = totals;
    const wasCalled = succeeded + failed + ignored + rejected > 0;
    return {
      state: core.state,
      mode: core.config.mode,
      source,
      ...(policy === undefined ? {} : { uid: policy.uid }),
      sinceMs: core.sinceMs,
      totals,
      latency: this.keys?.latency(core.latency()) ?? core.latency(),
      window: core.window,
      ...(forced === undefined ? {} : { forced }),
      ...(this.guards?.config.fallback !== undefined && wasCalled ? { optedIn: hasOptedIn(this) } : {}),
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
    return wrapped(fn, (call) => execute(this, call, undefined));
  }

  enter(): Permit | null {
    return enter(this);
  }

  for(key: string): Breaker {
    if (typeof key !== 'string') {
      throw new ConfigError(
        this.name,
        0,
        `breaker "${this.name}" was asked for a key of type ${typeof key}; give a text`,
      );
    }
    this.#family ??= new KeyedCircuits(this);
    return new KeyedBreaker(this, this.#family, key);
  }

  /** Makes the circuit of a key. */
  circuitOf(key: string): GovernedBreaker {
    const made = new GovernedBreaker(this.name, this.#governor, this.#runtime, key, this.#family);
    made.core.classify = this.core.classify;
    made.obey(overrides.get(this));
    return made;
  }

  /** The circuits of keys that are worth a report of their own; see KeyedCircuits. */
  listedKeys(wanted: (key: string) => boolean): readonly GovernedBreaker[] {
    return this.keys?.listed(wanted) ?? [];
  }

  /** Judges what calls come to before the policy does. */
  judgeBy(classify: Classify): void {
    this.core.classify = classify;
    for (const circuit of this.keys?.all() ?? []) circuit.core.classify = classify;
  }

  /** Whether nothing would be missed without this circuit: it is closed, not held so by hand, no call is under way and nobody listens. */
  get isQuiet(): boolean {
    const { core } = this;
    const { succeeded, failed, ignored } = core.totals();
    const underWay = core.permits - succeeded - failed - ignored;
    return (
      core.state === 'closed' && core.forced === undefined && underWay === 0 && (listeners.get(this)?.size ?? 0) === 0
    );
  }

  /** Comes under an override, or under none any more. */
  obey(override: Override | undefined): void {
    if (override === undefined && !overrides.delete(this)) return;
    if (override !== undefined) overrides.set(this, override);
    for (const circuit of this.keys?.all() ?? []) circuit.obey(override);
    const { core } = this;
    const leftMs = override === undefined ? 0 : override.endsAt - exactNow(this.clock);
    if (override === undefined || leftMs <= 0) {
      core.release();
      return;
    }
    const { forced } = core;
    const isHeld = forced?.override?.uid === override.uid && Math.abs(forced.endsInMs - leftMs) < SAME_END_MS;
    if (isHeld) return;
    const { action, reason, uid, name } = override;
    core[action === 'ForceOpen' ? 'forceOpen' : 'forceClosed'](leftMs, reason, { uid, name });
  }

  /** Starts closed and empty with all its keys, as an override says. */
  resetBy(override: Override): void {
    const why = detail(override.reason, override);
    this.core.reset(why);
    for (const { core } of this.keys?.all() ?? []) core.reset(why);
  }

  forceOpen(options: ForceOptions): void {
    this.core.forceOpen(this.forceMs('forceOpen', options), options.reason);
  }

  forceClosed(options: ForceOptions): void {
    this.core.forceClosed(this.forceMs('forceClosed', options), options.reason);
  }

  private forceMs(method: string, { for: duration, reason }: ForceOptions): number {
    const ms = method === 'forceOpen' && duration === '0ms' ? 0 : parseDuration(duration);
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
    const heard = listeners.get(this) ?? new Listeners();
    listeners.set(this, heard);
    return heard.add(listener);
  }

  /** Comes under another policy or another version of one. An edit keeps state and samples unless the new spec says Reset. */
  govern(governor: Governor): void {
    const changed = governor.text !== this.#governor.text;
    this.#governor = governor;
    // Its keys use what the guards keep.
    if (changed) this.guards = guardsFor(governor.config, this.guards);
    this.keys?.govern(governor);
    if (changed) this.core.configure(governor.config, governor.config.resetOnUpdate);
  }

  transitioned(event: TransitionEvent): void {
    const { key } = this;
    const told = key === undefined ? event : { ...event, key };
    this.tell(told);
    this.parent?.tell(told);
    this.#runtime.transitioned?.(this, told);
    publishTransition(this, told);
  }

  private tell(event: TransitionEvent): void {
    listeners.get(this)?.tell(`breaker "${this.name}"`, event);
  }
}
