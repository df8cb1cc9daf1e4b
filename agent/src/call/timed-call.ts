import { AsyncResource } from 'node:async_hooks';
import { exactNow } from '../core/clock.ts';
import type { AdaptiveTimeout } from '../core/layers/adaptive-timeout.ts';
import type { Limiter } from '../core/layers/limiter.ts';
import type { Deadline } from '../core/layers/timeout.ts';
import { callTimeout } from '../errors/errors.ts';
import type { CallBreaker } from './call-breaker.ts';
import type { Call, CallContext } from './context.ts';
import { ObjectPool } from './promises/object-pool.ts';
import { thenOnce } from './promises/then-once.ts';
import { discard } from './response.ts';
import { scopeOfCall } from './scopes/call-scope.ts';
import { FollowingSignal } from './signals/followed-signal.ts';

/** Decides the result of a call that ended. */
export interface CallCompletion<T> {
  readonly breaker: CallBreaker;
  /** The signal of the caller. */
  readonly signal: AbortSignal | undefined;
  /** The function returned in time. Returns the result of the call. */
  returned(value: T): T | Promise<T>;
  /** The function threw in time. Returns a promise that replaces the error; undefined: the call rejects with it. */
  threw(error: unknown): Promise<T> | undefined;
  /** The time limit passed first. Returns the same as `threw`. */
  expired(error: unknown): Promise<T> | undefined;
}

const nothing = (): void => {};
let lastResolve: (value: unknown) => void = nothing;
let lastReject: (error: unknown) => void = nothing;
/** One executor for all promises, because a closure for each costs as much as the promise. */
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  lastResolve = resolve;
  lastReject = reject;
};

const pool = new ObjectPool<TimedCall>();

/** One call under way. At its time limit the call ends, whether its function reacts to the signal or not. */
class TimedCall implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  /** Absent: the call is over, though its function may not be. */
  completion: CallCompletion<unknown> | undefined = undefined;
  context: TimedContext | undefined = undefined;
  timeoutMs = 0;
  limiter: Limiter | undefined = undefined;
  adaptive: AdaptiveTimeout | undefined = undefined;
  startedAt = 0;
  readonly onReturn = (value: unknown): void => {
    const { completion, adaptive } = this;
    this.limiter?.release();
    if (completion !== undefined) {
      completion.breaker.timeouts.remove(this);
      adaptive?.record(exactNow(completion.breaker.clock) - this.startedAt);
      TimedContext.resolve(this.context!, completion.returned(value));
    } else discard(value);
    this.#end();
  };
  readonly onThrow = (error: unknown): void => {
    const { completion } = this;
    this.limiter?.release();
    if (completion !== undefined) {
      completion.breaker.timeouts.remove(this);
      TimedContext.reject(this.context!, error, completion.threw(error));
    }
    this.#end();
  };

  expire(): void {
    const { completion, context } = this;
    if (completion === undefined) return;
    this.completion = undefined;
    const error = callTimeout(completion.breaker, this.timeoutMs);
    this.adaptive?.record(this.timeoutMs);
    TimedContext.expire(context!, () => {
      TimedContext.reject(context!, error, completion.expired(error));
      TimedContext.abort(context!, error);
    });
  }

  /** The function has ended. */
  #end(): void {
    TimedContext.end(this.context!);
    this.completion = undefined;
    this.context = undefined;
    pool.release(this);
  }
}

/**
 * Calls a function with a time limit, after which the call ends without it.
 *
 * @param limiter held until the function has really ended.
 * @param adaptive records how long the call took; absent: it is not recorded.
 */
export function runTimed<T>(
  completion: CallCompletion<T>,
  timeoutMs: number,
  limiter: Limiter | undefined,
  adaptive: AdaptiveTimeout | undefined,
  fn: Call<T>,
): Promise<T> {
  const call = pool.acquire() ?? new TimedCall();
  const promise = new Promise<T>(capture as ConstructorParameters<typeof Promise<T>>[0]);
  const context = new TimedContext(completion.signal);
  // Else they would keep the result of the call in memory until the next call.
  lastResolve = nothing;
  lastReject = nothing;
  call.completion = completion as CallCompletion<unknown>;
  call.context = context;
  call.timeoutMs = timeoutMs;
  call.limiter = limiter;
  call.adaptive = adaptive;
  if (adaptive !== undefined) call.startedAt = exactNow(completion.breaker.clock);
  completion.breaker.timeouts.add(call, timeoutMs);
  try {
    thenOnce(Promise.resolve(fn(context)), call.onReturn, call.onThrow);
  } catch (error) {
    call.onThrow(error);
  }
  return promise;
}

/**
 * A new object for each call, which also holds the functions that settle its promise. In a reused object, which is old,
 * the garbage collector would have to record each reference to a young one.
 */
class TimedContext implements CallContext {
  readonly #resolve = lastResolve;
  readonly #reject = lastReject;
  readonly #callerSignal: AbortSignal | undefined;
  /**
   * The async context of the call, or of the first read of `signal`. Work at the time limit sees this context, not that
   * of the timer.
   */
  #scope = scopeOfCall();
  #following: FollowingSignal | undefined = undefined;

  constructor(callerSignal: AbortSignal | undefined) {
    this.#callerSignal = callerSignal;
  }

  get signal(): AbortSignal {
    if (this.#following === undefined) {
      this.#scope ??= new AsyncResource('fuseboard.call', { requireManualDestroy: true });
      this.#following = new FollowingSignal(this.#callerSignal);
    }
    return this.#following.signal;
  }

  // Static, so that the context shows the called function its signal and nothing else.
  static resolve(context: TimedContext, value: unknown): void {
    context.#resolve(value);
  }

  /** @param replacement the promise that replaces the error; undefined: the promise rejects. */
  static reject(context: TimedContext, error: unknown, replacement: Promise<unknown> | undefined): void {
    if (replacement === undefined) context.#reject(error);
    else context.#resolve(replacement);
  }

  static abort(context: TimedContext, reason: unknown): void {
    context.#following?.abort(reason);
  }

  /** Runs the work of the time limit in the async context of the call. */
  static expire(context: TimedContext, task: () => void): void {
    if (context.#scope === undefined) task();
    else context.#scope.runInAsyncScope(task);
  }

  /** The function has ended. */
  static end(context: TimedContext): void {
    context.#following?.release(context.#callerSignal);
  }
}
