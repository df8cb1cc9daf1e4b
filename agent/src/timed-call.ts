import { AsyncResource } from 'node:async_hooks';
import type { Circuit } from './circuit.ts';
import type { Call, CallContext } from './context.ts';
import type { AdaptiveTimeout } from './core/adaptive-timeout.ts';
import { exactNow } from './core/clock.ts';
import type { Limiter } from './core/limiter.ts';
import type { Deadline } from './core/timeout.ts';
import { callTimeout } from './errors.ts';

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

let lastResolve: (value: unknown) => void;
let lastReject: (error: unknown) => void;
/** One function for all promises; a closure for each costs as much as the promise. */
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  lastResolve = resolve;
  lastReject = reject;
};

/** A call that is given up when its time is over, whether its function listens or not. */
export class TimedCall<T> implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  readonly #ending: Ending<T>;
  readonly #timeoutMs: number;
  /** Held until the function has really ended. */
  readonly #place: Limiter | undefined;
  /** Learns how long the call took, if anybody wants to know. */
  readonly #adaptive: AdaptiveTimeout | undefined;
  readonly #startedAt: number;
  #over = false;
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  #abortion: Abortion | undefined = undefined;

  constructor(ending: Ending<T>, timeoutMs: number, place: Limiter | undefined, adaptive: AdaptiveTimeout | undefined) {
    this.#ending = ending;
    this.#timeoutMs = timeoutMs;
    this.#place = place;
    this.#adaptive = adaptive;
    this.#startedAt = adaptive === undefined ? 0 : exactNow(ending.circuit.clock);
  }

  run(fn: Call<T>): Promise<T> {
    const promise = new Promise<T>(capture as ConstructorParameters<typeof Promise<T>>[0]);
    this.#resolve = lastResolve;
    this.#reject = lastReject;
    this.#ending.circuit.timeouts.add(this, this.#timeoutMs);
    try {
      Promise.resolve(fn(new TimedContext(this))).then(
        (value) => this.#succeed(value),
        (error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
    return promise;
  }

  get signal(): AbortSignal {
    this.#abortion ??= new Abortion(this.#ending.signal);
    return this.#abortion.signal;
  }

  expire(): void {
    if (this.#over) return;
    this.#over = true;
    const error = callTimeout(this.#ending.circuit, this.#timeoutMs);
    this.#adaptive?.record(this.#timeoutMs);
    this.#rejectWith(error, this.#ending.expired(error));
    this.#abortion?.abort(error);
  }

  #succeed(value: T): void {
    this.#place?.release();
    if (this.#over) return;
    this.#over = true;
    this.#ending.circuit.timeouts.remove(this);
    this.#adaptive?.record(exactNow(this.#ending.circuit.clock) - this.#startedAt);
    this.#resolve!(this.#ending.returned(value));
  }

  #fail(error: unknown): void {
    this.#place?.release();
    if (this.#over) return;
    this.#over = true;
    this.#ending.circuit.timeouts.remove(this);
    this.#rejectWith(error, this.#ending.threw(error));
  }

  #rejectWith(error: unknown, instead: Promise<T> | undefined): void {
    if (instead === undefined) this.#reject!(error);
    else this.#resolve!(instead);
  }
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

class TimedContext implements CallContext {
  readonly #call: { readonly signal: AbortSignal };

  constructor(call: { readonly signal: AbortSignal }) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }
}
