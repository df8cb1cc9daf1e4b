import type { PolicySpec, Totals } from '@fuseboard/schema/types';
import type { Call } from '../call/context.ts';
import type { ExecuteOptions } from '../call/execute.ts';
import type { LastError } from '../core/outcomes/last-error.ts';
import type { Reason, State, TransitionEvent } from '../core/state.ts';

export type { LastError, Reason, State, TransitionEvent };

/**
 * Where a breaker's configuration comes from: a policy, the defaults that code gave, or nowhere: then it never opens.
 */
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
  /**
   * How many calls took how long, since the breaker was made: bucket i counts those under 2^i x 0.125 ms that no
   * smaller bucket counts, the last one the rest.
   */
  readonly latency: number[];
  /** The calls that the conditions of the policy look at. */
  readonly window: { readonly calls: number; readonly failures: number; readonly slow: number };
  /**
   * The state that an override, `forceOpen` or `forceClosed` holds the breaker in, and how long that still lasts.
   * Absent: none.
   */
  readonly forced?: {
    readonly state: 'open' | 'closed';
    readonly reason: string;
    readonly endsInMs: number;
    /** The CircuitBreakerOverride that does. Absent: the code of this process. */
    readonly override?: { readonly uid: string; readonly name: string } | undefined;
  };
  /**
   * Whether any call, with a key or without, let the fallback of the policy answer. Absent: it has none, or there was
   * no call yet.
   */
  readonly optedIn?: boolean;
  readonly consecutiveFailures: number;
  /** What the last failure was. Absent: there was none since the circuit last closed, or what it was is not known. */
  readonly lastError?: LastError;
  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  readonly retryAfterMs: number;
}

/** How a state is forced. */
export interface ForceOptions {
  /** A duration such as `10m`, from 1ms to 24h; for `forceOpen` also `0ms`. */
  readonly for: string;
  /** The reason: 1 to 256 characters. It is in the transition's `detail` and in `stats()`. */
  readonly reason: string;
}

/** How a function is wrapped. */
export interface WrapOptions {
  /** Whether the function gets the context of the call, `{ signal }`, behind its arguments. Absent: false. */
  readonly passContext?: boolean | undefined;
}

/** Permission for one call, from `enter`. Settle it once; settling it again does nothing. */
export interface Permit {
  /** The call succeeded. */
  succeed(): void;
  /** The call failed. An error is classified as the policy's `classify` says; without one it is a failure. */
  fail(error?: unknown): void;
  /** The outcome is ignored: it carries no information about the dependency. */
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
   * Calls a function through the breaker and classifies what comes of it. The promise is fulfilled with the function's
   * result, or rejected with the very error that it threw. Without a call, it is rejected with a `CircuitOpenError`;
   * after the time that the policy allows, with a `CallTimeoutError`. A fallback, if given, answers instead of any
   * error.
   */
  execute<T, F = T>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F>;
  /**
   * Calls a function that returns at once. Throws what the function throws, a `CircuitOpenError`, or a `TypeError` when
   * the function returns a promise. The time limit of a policy does not apply.
   */
  executeSync<T, F = T>(fn: () => T, options?: { readonly fallback?: ((error: unknown) => F) | undefined }): T | F;
  /**
   * The same function, called through the breaker: `this`, arguments, overloads and what hangs on the function are
   * kept. What it returns is a plain promise.
   *
   * @throws {TypeError} when it is given no function.
   */
  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A, options?: WrapOptions): A;
  /** Asks for permission to make a call by other means; `null` is a rejection. No time limit applies. */
  enter(): Permit | null;
  /**
   * Forces the circuit open, in this process only, whatever its policy and mode. It ends by itself: then the circuit is
   * half-open and tests the dependency (closed where the mode is Disabled). No edit of the policy ends it; `reset`
   * does, and forcing again replaces it. An override replaces it too, and while one holds the breaker this does
   * nothing.
   * With `0ms` the circuit is half-open at once.
   *
   * @throws {ConfigError} when `for` is neither `0ms` nor a duration from 1ms to 24h, or there is no reason.
   */
  forceOpen(options: ForceOptions): void;
  /**
   * Forces the circuit closed, in this process only: calls pass and are recorded, and no condition opens it. It ends by
   * itself: then the conditions apply again from the next outcome, by all that was recorded. No edit of the policy ends
   * it; `reset` does, and forcing again replaces it. An override replaces it too, and while one holds the breaker this
   * does nothing.
   *
   * @throws {ConfigError} when `for` is not a duration from 1ms to 24h, or there is no reason.
   */
  forceClosed(options: ForceOptions): void;
  /**
   * Ends a forced state and starts closed and empty, in this process only; not while an override holds the breaker.
   * What was counted stays. Where code gave other `defaults` than the first ones, the last of them hold from now on.
   */
  reset(): void;
  /**
   * The circuit of one key, such as a host: all as for a breaker of its own under the same policy, its limit of
   * concurrent calls too. A key whose circuit is closed leaves when it was not used for a while; when there are more
   * keys than the policy allows, and for keys of more than 256 characters, one circuit is shared.
   *
   * @throws {ConfigError} when the key is not a string.
   */
  for(key: string): Breaker;
  /**
   * Subscribes to changes of state, those of its keys too, in their order, after each has happened. A listener that
   * throws is reported as a process warning.
   *
   * @returns a function that ends the subscription.
   * @throws {TypeError} for any other event.
   */
  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void;
}
