import { AsyncResource } from 'node:async_hooks';
import type { AdaptiveTimeout } from '../core/adaptive-timeout.ts';
import { exactNow } from '../core/clock.ts';
import type { Limiter } from '../core/limiter.ts';
import type { Deadline } from '../core/timeout.ts';
import { callTimeout } from '../errors/errors.ts';
import type { Circuit } from './circuit.ts';
import type { Call, CallContext } from './context.ts';
import { Spares } from './promises/object-pool.ts';
import { whenSettled } from './promises/then-once.ts';

/** Who decides what a call comes to. */
export interface Ending<T> {
  readonly circuit: Circuit;
  /** The caller's own way to give up. */
  readonly signal: AbortSignal | undefined;
  /** The function returned in time; what it comes to. */
  returned(value: T): T | Promise<T>;
  /** The function threw in time. A promise is what comes instead of the error. */
  threw(error: unknown): Promise<T> | undefined;
  /** The time was up first. A promise is what comes instead of the error. */
  expired(error: unknown): Promise<T> | undefined;
}

const nothing = (): void => {};
let lastResolve: (value: unknown) => void = nothing;
let lastReject: (error: unknown) => void = nothing;
/** One function for all promises; a closure for each costs as much as the promise. */
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  lastResolve = resolve;
  lastReject = reject;
};

const spares = new Spares<TimedCall>();

/** Follows one call at a time and gives it up when its time is over, whether its function listens or not. */
class TimedCall implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  /** Absent: the call is over, though its function may not be. */
  ending: Ending<unknown> | undefined = undefined;
  context: TimedContext | undefined = undefined;
  timeoutMs = 0;
  place: Limiter | undefined = undefined;
  adaptive: AdaptiveTimeout | undefined = undefined;
  startedAt = 0;
  readonly onReturn = (value: unknown): void => {
    const { ending, adaptive } = this;
    this.place?.release();
    if (ending !== undefined) {
      ending.circuit.timeouts.remove(this);
      adaptive?.record(exactNow(ending.circuit.clock) - this.startedAt);
      TimedContext.resolve(this.context!, ending.returned(value));
    }
    this.#end();
  };
  readonly onThrow = (error: unknown): void => {
    const { ending } = this;
    this.place?.release();
    if (ending !== undefined) {
      ending.circuit.timeouts.remove(this);
      TimedContext.reject(this.context!, error, ending.threw(error));
    }
    this.#end();
  };

  expire(): void {
    const { ending, context } = this;
    if (ending === undefined) return;
    this.ending = undefined;
    const error = callTimeout(ending.circuit, this.timeoutMs);
    this.adaptive?.record(this.timeoutMs);
    TimedContext.reject(context!, error, ending.expired(error));
    TimedContext.abort(context!, error);
  }

  /** The function has ended. */
  #end(): void {
    this.ending = undefined;
    this.context = undefined;
    spares.keep(this);
  }
}

/**
 * Calls a function that is given up when its time is over.
 *
 * @param place held until the function has really ended.
 * @param adaptive learns how long the call took, if anybody wants to know.
 */
export function runTimed<T>(
  ending: Ending<T>,
  timeoutMs: number,
  place: Limiter | undefined,
  adaptive: AdaptiveTimeout | undefined,
  fn: Call<T>,
): Promise<T> {
  const call = spares.take() ?? new TimedCall();
  const promise = new Promise<T>(capture as ConstructorParameters<typeof Promise<T>>[0]);
  const context = new TimedContext(ending.signal);
  call.ending = ending as Ending<unknown>;
  call.context = context;
  call.timeoutMs = timeoutMs;
  call.place = place;
  call.adaptive = adaptive;
  if (adaptive !== undefined) call.startedAt = exactNow(ending.circuit.clock);
  ending.circuit.timeouts.add(call, timeoutMs);
  try {
    whenSettled(Promise.resolve(fn(context)), call.onReturn, call.onThrow);
  } catch (error) {
    call.onThrow(error);
  }
  return promise;
}

/** Aborts what listens. */
class Abortion {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  /** Where `signal` was first read: abort listeners see the context of the call, not that of the timer. */
  readonly #scope = new AsyncResource('fuseboard.call', { requireManualDestroy: true });

  constructor(callers: AbortSignal | undefined) {
    const { signal } = this.#controller;
    this.signal = callers === undefined ? signal : AbortSignal.any([callers, signal]);
  }

  abort(reason: unknown): void {
    this.#scope.runInAsyncScope(() => this.#controller.abort(reason));
  }
}

/**
 * What is new with each call, the end of its promise too: in an object that is used again, and so is old, the engine has to
 * note down whatever is young.
 */
class TimedContext implements CallContext {
  readonly #resolve = lastResolve;
  readonly #reject = lastReject;
  readonly #callers: AbortSignal | undefined;
  #abortion: Abortion | undefined = undefined;

  constructor(callers: AbortSignal | undefined) {
    this.#callers = callers;
  }

  get signal(): AbortSignal {
    this.#abortion ??= new Abortion(this.#callers);
    return this.#abortion.signal;
  }

  // Static, so that the context shows the called function its signal and nothing else.
  static resolve(context: TimedContext, value: unknown): void {
    context.#resolve(value);
  }

  /** @param instead what comes instead of the error, if anything. */
  static reject(context: TimedContext, error: unknown, instead: Promise<unknown> | undefined): void {
    if (instead === undefined) context.#reject(error);
    else context.#resolve(instead);
  }

  static abort(context: TimedContext, reason: unknown): void {
    context.#abortion?.abort(reason);
  }
}
