import type { PolicySpec, Totals } from '@fuseboard/schema/types';
import type { Call } from '../call/context.ts';
import type { ExecuteOptions } from '../call/execute.ts';
import type { GuardField } from '../core/config/guard.ts';
import type { LastError } from '../core/outcomes/last-error.ts';
import type { Permit } from '../core/permit.ts';
import type { Reason, State, TransitionEvent } from '../core/state.ts';

export type { LastError, Permit, Reason, State, TransitionEvent };

/**
 * Where a breaker's configuration comes from: a policy, the defaults in code, or none of them. Without configuration
 * the breaker never opens.
 */
export type Source = 'policy' | 'defaults' | 'none';

/** The policy that governs a breaker. */
export interface GoverningPolicy {
  readonly uid: string;
  /** 0 when the source of policies has no generations. */
  readonly generation: number;
  /** The name of the resource. */
  readonly name: string;
  /** The spec as written; absent fields are absent here too. */
  readonly spec: PolicySpec;
}

/** The state and the counts of a breaker. */
export interface BreakerStats {
  readonly state: State;
  readonly mode: 'Enforce' | 'Shadow' | 'Disabled';
  readonly source: Source;
  /** The policy that governs; absent when none does. */
  readonly uid?: string;
  /** How long the state has lasted, in milliseconds. */
  readonly sinceMs: number;
  /** Counts since the breaker was created, summed over its keys; they never decrease. */
  readonly totals: Totals;
  /**
   * Histogram of the durations of calls since the breaker was created: bucket i counts calls under 2^i x 0.125 ms that
   * no smaller bucket counts; the last bucket counts all longer ones.
   */
  readonly latency: number[];
  /** The calls in the window of the policy. */
  readonly window: { readonly calls: number; readonly failures: number; readonly slow: number };
  /**
   * The state that an override, `forceOpen` or `forceClosed` forces, and the time until its end. Absent: none.
   */
  readonly forced?: {
    readonly state: 'open' | 'closed';
    readonly reason: string;
    readonly endsInMs: number;
    /** The CircuitBreakerOverride that forces it. Absent: the code of this process does. */
    readonly override?: { readonly uid: string; readonly name: string } | undefined;
  };
  /**
   * The fields of the guard that change what the policy or an override says for this breaker; see `Guard`. Absent:
   * none.
   */
  readonly guardedBy?: readonly GuardField[];
  /**
   * Whether any call, with or without a key, opted in to the fallback of the policy. Absent: the policy has none, or
   * there was no call yet.
   */
  readonly optedIn?: boolean;
  readonly consecutiveFailures: number;
  /** The last failure. Absent: there was none since the circuit last closed, or its error is not known. */
  readonly lastError?: LastError;
  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  readonly retryAfterMs: number;
}

/** How a state is forced. */
export interface ForceOptions {
  /** A duration such as `10m`, from 1ms to 24h; for `forceOpen` also `0ms`. */
  readonly for: string;
  /** The reason: 1 to 256 characters. It appears in the `detail` of the transition and in `stats()`. */
  readonly reason: string;
}

/** How a function is wrapped. */
export interface WrapOptions {
  /** Whether the function gets the context of the call, `{ signal }`, as an additional last argument. Absent: false. */
  readonly passContext?: boolean | undefined;
}

/** A circuit breaker. The object stays valid when another policy governs it. */
export interface Breaker {
  readonly name: string;
  /** The key of a circuit from `for`; absent for the breaker itself. `*` for the circuit that several keys share. */
  readonly key?: string | undefined;
  /** The current state. */
  readonly state: State;
  /** The current source of its configuration. */
  readonly source: Source;
  /** The policy that currently governs it; absent when no policy does. */
  readonly policy?: GoverningPolicy | undefined;
  stats(): BreakerStats;
  /**
   * Calls a function through the breaker and classifies the outcome. The promise is fulfilled with the result of the
   * function, or rejected with the error that it threw, unchanged. If the breaker rejects the call, the promise is
   * rejected with a `CircuitOpenError`; beyond `maxConcurrent` with a full queue, with a `LimitedError`; after the
   * `queueTimeout`, with a `QueueTimeoutError`; after the timeout of the policy, with a `CallTimeoutError`. A fallback,
   * if given, replaces every error, and every result that counts as a failure.
   */
  execute<T, F = T>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F>;
  /**
   * Calls a synchronous function. Timeout, queue and retries of a policy do not apply. A fallback, if given, replaces
   * the errors below except the `TypeError`, and every result that counts as a failure.
   *
   * @throws the error of the function, unchanged.
   * @throws {CircuitOpenError} when the breaker rejects the call.
   * @throws {LimitedError} when `maxConcurrent` calls are running.
   * @throws {TypeError} when `fn` or the fallback is not a function, or `fn` returns a promise.
   */
  executeSync<T, F = T>(fn: () => T, options?: { readonly fallback?: ((error: unknown) => F) | undefined }): T | F;
  /**
   * Returns a function that calls `fn` through the breaker. `this`, arguments, overloads and properties of the function
   * are kept. It returns a plain promise.
   *
   * @throws {TypeError} when `fn` is not a function.
   */
  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A, options?: WrapOptions): A;
  /** Requests a permit for a call that the code makes itself; `null` is a rejection. No timeout applies. */
  enter(): Permit | null;
  /**
   * Forces the circuit open, in this process only, whatever its policy and mode. It ends automatically: then the
   * circuit is half-open and tests the dependency (closed in mode Disabled). `reset` ends it earlier, an edit of the
   * policy does not. Another forced state or an override replaces it. While an override applies to the breaker, this
   * method does nothing. With `0ms` the circuit is half-open at once.
   *
   * @throws {ConfigError} when `for` is neither `0ms` nor a duration from 1ms to 24h, or there is no reason.
   */
  forceOpen(options: ForceOptions): void;
  /**
   * Forces the circuit closed, in this process only: calls pass and are recorded, and no condition opens it. It ends
   * automatically: then the conditions apply again from the next outcome on, to everything that was recorded. `reset`
   * ends it earlier, an edit of the policy does not. Another forced state or an override replaces it. While an override
   * applies to the breaker, this method does nothing.
   *
   * @throws {ConfigError} when `for` is not a duration from 1ms to 24h, or there is no reason.
   */
  forceClosed(options: ForceOptions): void;
  /**
   * Ends a forced state and starts closed and empty, in this process only. While an override applies to the breaker,
   * this method does nothing. Totals are kept. If code has given different `defaults` since the first ones, the last of
   * them apply from now on.
   */
  reset(): void;
  /**
   * The circuit of one key, such as a host. It works like a separate breaker under the same policy, with its own limit
   * of concurrent calls. A key with a closed circuit is removed when it was not used for some time. Keys beyond the
   * maximum of the policy, and keys of more than 256 characters, share one circuit.
   *
   * @throws {ConfigError} when the key is not a string.
   */
  for(key: string): Breaker;
  /**
   * Subscribes to transitions, including those of its keys. The listener is called in order, after each transition. A
   * listener that throws causes a process warning.
   *
   * @returns a function that ends the subscription.
   * @throws {TypeError} for any other event.
   */
  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void;
}
