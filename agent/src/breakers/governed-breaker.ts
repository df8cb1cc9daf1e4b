import { parseDuration } from '@fuseboard/schema/duration';
import type { CallBreaker } from '../call/call-breaker.ts';
import { type CallLayers, callLayersFor } from '../call/call-layers.ts';
import type { Call } from '../call/context.ts';
import { type ExecuteOptions, enter, execute, executeSync } from '../call/execute.ts';
import { hasOptedIn } from '../call/fallback.ts';
import { wantCallScopes } from '../call/scopes/call-scope.ts';
import { Circuit, type Host } from '../core/circuit.ts';
import type { Classify } from '../core/classify.ts';
import { type Clock, exactNow } from '../core/clock.ts';
import { forcedDetail } from '../core/forced-state.ts';
import type { Timeouts } from '../core/layers/timeout.ts';
import type { State, TransitionEvent } from '../core/state.ts';
import { publishTransition } from '../errors/diagnostics.ts';
import { ConfigError } from '../errors/errors.ts';
import { checkOptions } from '../errors/options.ts';
import type { Breaker, BreakerStats, ForceOptions, GoverningPolicy, Permit, Source, WrapOptions } from './breaker.ts';
import { BreakersByKey } from './breakers-by-key.ts';
import type { Governor, Runtime } from './governor.ts';
import { KeyedBreaker, wrapFunction } from './keyed-breaker.ts';
import { Listeners } from './listeners.ts';
import type { Override } from './overrides.ts';

/** The ends of one override, as sent by two replicas, differ by less than this. */
const END_TOLERANCE_MS = 1_000;

/**
 * Listeners of breakers and their overrides. They are outside the object to save memory, because few breakers have any.
 */
const listeners = new WeakMap<GovernedBreaker, Listeners<[TransitionEvent]>>();
const overrides = new WeakMap<GovernedBreaker, Override>();
/** Later defaults from code, which wait for a reset. */
const offered = new WeakMap<GovernedBreaker, Governor>();

/**
 * The breaker as used by the registry. Its own methods are only TypeScript-private: a process may have very many
 * breakers, and each private method with a # costs every object eight bytes.
 *
 * @internal
 */
export class GovernedBreaker implements Breaker, CallBreaker, Host {
  readonly name: string;
  circuit: Circuit;
  layers: CallLayers | undefined;
  readonly key: string | undefined;
  readonly #runtime: Runtime;
  #governor: Governor;
  /**
   * On a breaker, those of its keys; on the breaker of a key, the collection that it is in. One field for both saves
   * memory.
   */
  #byKey: BreakersByKey<GovernedBreaker> | undefined;

  constructor(
    name: string,
    governor: Governor,
    runtime: Runtime,
    key?: string,
    byKey?: BreakersByKey<GovernedBreaker>,
  ) {
    this.name = name;
    this.key = key;
    this.#runtime = runtime;
    this.#governor = governor;
    this.#byKey = byKey;
    this.circuit = new Circuit(governor.config, this);
    this.layers = callLayersFor(governor.config, undefined);
  }

  get parent(): GovernedBreaker | undefined {
    return this.key === undefined ? undefined : this.#byKey!.owner;
  }

  private get keys(): BreakersByKey<GovernedBreaker> | undefined {
    return this.key === undefined ? this.#byKey : undefined;
  }

  /** The governor that applies while no policy does. */
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
    return this.circuit.state;
  }

  get source(): Source {
    return this.#governor.source;
  }

  get policy(): GoverningPolicy | undefined {
    return this.#governor.policy;
  }

  stats(): BreakerStats {
    const { circuit } = this;
    const { source, policy } = this.#governor;
    const { forced } = circuit;
    const totals = this.keys?.totals(circuit.totals()) ?? circuit.totals();
    const { succeeded, failed, ignored, rejected } = totals;
    const guardedBy = this.#runtime.guardedBy?.(this) ?? [];
    const wasCalled = succeeded + failed + ignored + rejected > 0;
    return {
      state: circuit.state,
      mode: circuit.config.mode,
      source,
      ...(policy === undefined ? {} : { uid: policy.uid }),
      sinceMs: circuit.sinceMs,
      totals,
      latency: this.keys?.latency(circuit.latency()) ?? circuit.latency(),
      window: circuit.window,
      ...(forced === undefined ? {} : { forced }),
      ...(guardedBy.length === 0 ? {} : { guardedBy }),
      ...(this.layers?.config.fallback !== undefined && wasCalled ? { optedIn: hasOptedIn(this) } : {}),
      consecutiveFailures: circuit.consecutiveFailures,
      ...(circuit.lastError === undefined ? {} : { lastError: circuit.lastError }),
      retryAfterMs: circuit.retryAfterMs,
    };
  }

  execute<T, F = T>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F> {
    return execute(this, fn, options);
  }

  executeSync<T, F = T>(fn: () => T, options?: { readonly fallback?: ((error: unknown) => F) | undefined }): T | F {
    return executeSync(this, fn, options);
  }

  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A, options?: WrapOptions): A {
    return wrapFunction(this, fn, options, (call) => execute(this, call, undefined));
  }

  enter(): Permit | null {
    return enter(this);
  }

  for(key: string): Breaker {
    if (typeof key !== 'string') {
      throw new ConfigError(this.name, 0, `key of breaker "${this.name}" must be a string, got ${typeof key}`);
    }
    this.#byKey ??= new BreakersByKey(this);
    return new KeyedBreaker(this, this.#byKey, key);
  }

  /** Creates the breaker of a key. */
  breakerOf(key: string): GovernedBreaker {
    const made = new GovernedBreaker(this.name, this.#governor, this.#runtime, key, this.#byKey);
    made.circuit.classify = this.circuit.classify;
    made.applyOverride(overrides.get(this));
    return made;
  }

  /** The breakers of keys that have report entries of their own; see `BreakersByKey`. */
  listedKeys(isPending: (key: string) => boolean): readonly GovernedBreaker[] {
    return this.keys?.listed(isPending) ?? [];
  }

  /** Sets a classifier that runs before the policy's. */
  useClassifier(classify: Classify): void {
    this.circuit.classify = classify;
    for (const { circuit } of this.keys?.all() ?? []) circuit.classify = classify;
  }

  /**
   * Whether the breaker can be removed without losing state: its circuit is closed and not forced, and it has no
   * running calls and no listeners.
   */
  get isQuiet(): boolean {
    const { circuit } = this;
    const { succeeded, failed, ignored } = circuit.totals();
    const underWay = circuit.permits - succeeded - failed - ignored;
    return (
      circuit.state === 'closed' &&
      circuit.forced === undefined &&
      underWay === 0 &&
      (listeners.get(this)?.size ?? 0) === 0
    );
  }

  /** Applies an override; `undefined` ends the previous one. */
  applyOverride(override: Override | undefined): void {
    if (override === undefined && !overrides.delete(this)) return;
    if (override !== undefined) overrides.set(this, override);
    for (const breaker of this.keys?.all() ?? []) breaker.applyOverride(override);
    const { circuit } = this;
    const leftMs = override === undefined ? 0 : override.endsAt - exactNow(this.clock);
    if (override === undefined || leftMs <= 0) {
      circuit.release();
      return;
    }
    const { forced } = circuit;
    const isApplied = forced?.override?.uid === override.uid && Math.abs(forced.endsInMs - leftMs) < END_TOLERANCE_MS;
    if (isApplied) return;
    const { action, reason, uid, name } = override;
    circuit[action === 'ForceOpen' ? 'forceOpen' : 'forceClosed'](leftMs, reason, { uid, name });
  }

  /** Resets the breaker and all its keys because of an override. */
  resetFromOverride(override: Override): void {
    const detail = forcedDetail(override.reason, override);
    this.circuit.reset(detail);
    for (const { circuit } of this.keys?.all() ?? []) circuit.reset(detail);
  }

  forceOpen(options: ForceOptions): void {
    this.circuit.forceOpen(this.forceMs('forceOpen', options), options.reason);
  }

  forceClosed(options: ForceOptions): void {
    this.circuit.forceClosed(this.forceMs('forceClosed', options), options.reason);
  }

  private forceMs(method: string, options: ForceOptions): number {
    // Their values are checked below.
    checkOptions(`${method} of breaker "${this.name}"`, options, { for: ['', () => true], reason: ['', () => true] });
    const { for: duration, reason } = options;
    const ms = method === 'forceOpen' && duration === '0ms' ? 0 : parseDuration(duration);
    const isReason = typeof reason === 'string' && reason.length >= 1 && reason.length <= 256;
    if (ms !== undefined && isReason) return ms;
    const expected = ms === undefined ? 'for: a duration such as 10m, from 1ms to 24h' : 'reason: 1 to 256 characters';
    throw new ConfigError(this.name, 0, `breaker "${this.name}" cannot ${method}; give ${expected}`);
  }

  reset(): void {
    const latest = offered.get(this);
    if (latest !== undefined && overrides.get(this) === undefined) {
      offered.delete(this);
      this.govern(this.policy === undefined ? latest : { ...this.#governor, defaults: latest });
    }
    this.circuit.reset();
  }

  /** Stores other defaults, which take effect with the next reset. */
  offerDefaults(defaults: Governor): void {
    offered.set(this, defaults);
  }

  /**
   * Resets everything except name and listeners, for the next test: states, counts, keys, forced states, and
   * classifier.
   */
  startOver(governor: Governor): void {
    offered.delete(this);
    overrides.delete(this);
    this.keys?.forgetAll();
    this.#governor = governor;
    this.circuit = new Circuit(governor.config, this);
    this.layers = callLayersFor(governor.config, undefined);
  }

  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void {
    if (event !== 'transition') throw new TypeError(`a breaker has no event "${String(event)}"; it has "transition"`);
    if (typeof listener !== 'function')
      throw new TypeError(`on of breaker "${this.name}" needs a listener, a function`);
    wantCallScopes();
    const subscribers = listeners.get(this) ?? new Listeners();
    listeners.set(this, subscribers);
    return subscribers.add(listener);
  }

  /**
   * Applies another policy or another version of one. State and samples are kept unless the new spec has `onUpdate:
   * Reset`.
   */
  govern(governor: Governor): void {
    const changed = governor.text !== this.#governor.text;
    this.#governor = governor;
    // Updated before the keys, which use the state in the layers.
    if (changed) this.layers = callLayersFor(governor.config, this.layers);
    this.keys?.govern(governor);
    if (changed) this.circuit.configure(governor.config, governor.config.resetOnUpdate);
  }

  transitioned(event: TransitionEvent): void {
    const { key } = this;
    const keyedEvent = key === undefined ? event : { ...event, key };
    this.notify(keyedEvent);
    this.parent?.notify(keyedEvent);
    this.#runtime.transitioned?.(this, keyedEvent);
    publishTransition(this, keyedEvent);
  }

  private notify(event: TransitionEvent): void {
    listeners.get(this)?.notify(`breaker "${this.name}"`, event);
  }
}
