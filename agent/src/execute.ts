import { AsyncResource } from 'node:async_hooks';
import type { BreakerCore } from './core/breaker.ts';
import { type Clock, exactNow } from './core/clock.ts';
import type { Permit } from './core/permit.ts';
import { COUNTED } from './core/tally.ts';
import type { Deadline, Timeouts } from './core/timeout.ts';
import { callTimeout, circuitOpen } from './errors.ts';

/** What a function is called with. */
export interface CallContext {
  /** Aborts when the call is given up: by the caller's own signal, or because the policy's time is up. Made when first read. */
  readonly signal: AbortSignal;
}

/** The function to protect. */
export type Call<T> = (context: CallContext) => T | PromiseLike<T>;

export interface ExecuteOptions<F> {
  /**
   * Answers instead of an error: a rejection, a timeout, an error of the function, or a result that the policy counts
   * as a failure (a Response with 5xx, which is then what it is called with). What it throws reaches the caller.
   */
  readonly fallback?: (error: unknown, context: CallContext) => F | PromiseLike<F>;
  /** The caller's own way to give up. What comes of a call that its caller gave up says nothing about the other side: it is ignored. */
  readonly signal?: AbortSignal;
}

/** What calls run through: a breaker's core, its name for messages, and where calls wait for their time limit. */
export interface Circuit {
  readonly name: string;
  readonly core: BreakerCore;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
}

/** Runs a function through a breaker; never throws, every trouble is a rejection of the promise. */
export function execute<T, F>(circuit: Circuit, fn: Call<T>, options: ExecuteOptions<F> | undefined): Promise<T | F> {
  const signal = options?.signal;
  const fallback = options?.fallback;
  if (signal?.aborted) return fail(circuit, signal.reason, fallback, signal);
  const { core } = circuit;
  const permit = core.enter();
  if (permit === null) return fail(circuit, circuitOpen(circuit.name, core.retryAfterMs), fallback, signal);
  const attempt =
    core.config.timeoutMs === 0 ? untimed(permit, fn, signal) : new TimedCall<T>(circuit, permit, signal).run(fn);
  return fallback === undefined ? attempt : replaceFailure(circuit, permit, attempt, fallback, signal);
}

/** Runs a function that returns at once. A time limit does not apply: what runs synchronously cannot be given up. */
export function executeSync<T, F>(circuit: Circuit, fn: () => T, fallback: ((error: unknown) => F) | undefined): T | F {
  const { core } = circuit;
  const answer = (error: unknown): F => {
    if (fallback === undefined) throw error;
    core.tally.add(COUNTED.fallback);
    return fallback(error);
  };
  const permit = core.enter();
  if (permit === null) return answer(circuitOpen(circuit.name, core.retryAfterMs));
  let result: T;
  try {
    result = fn();
  } catch (error) {
    core.settleError(permit, error);
    return answer(error);
  }
  if (isThenable(result)) {
    permit.ignore();
    result.then(undefined, () => {});
    throw new TypeError(
      `executeSync of breaker "${circuit.name}" was given a function that returns a promise; use execute`,
    );
  }
  const judged = core.settleResult(permit, result);
  return judged === 'failure' && fallback !== undefined ? answer(result) : result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

function settleThrown(permit: Permit, error: unknown, signal: AbortSignal | undefined): void {
  if (signal?.aborted) permit.ignore();
  else permit.core.settleError(permit, error);
}

function untimed<T>(permit: Permit, fn: Call<T>, signal: AbortSignal | undefined): Promise<T> {
  const { core } = permit;
  try {
    return Promise.resolve(fn(new UntimedContext(signal))).then(
      (value) => {
        core.settleResult(permit, value);
        return value;
      },
      (error) => {
        settleThrown(permit, error, signal);
        throw error;
      },
    );
  } catch (error) {
    settleThrown(permit, error, signal);
    return Promise.reject(error);
  }
}

/** Without a time limit only the caller can give up. */
class UntimedContext implements CallContext {
  #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }
}

/** A call that is given up when its time is over, whether its function listens or not. */
class TimedCall<T> implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  readonly #circuit: Circuit;
  readonly #permit: Permit;
  readonly #timeoutMs: number;
  readonly #callersSignal: AbortSignal | undefined;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #signal: AbortSignal | undefined;
  #controller: AbortController | undefined;
  /** Where `signal` was first read: abort listeners see the context of the call, not that of the timer. */
  #scope: AsyncResource | undefined;

  constructor(circuit: Circuit, permit: Permit, signal: AbortSignal | undefined) {
    this.#circuit = circuit;
    this.#permit = permit;
    this.#timeoutMs = circuit.core.config.timeoutMs;
    this.#callersSignal = signal;
  }

  run(fn: Call<T>): Promise<T> {
    const { timeouts, clock } = this.#circuit;
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.dueAt = exactNow(clock) + this.#timeoutMs;
    timeouts.add(this);
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
    if (this.#signal === undefined) {
      const controller = new AbortController();
      const callers = this.#callersSignal;
      this.#signal = callers === undefined ? controller.signal : AbortSignal.any([callers, controller.signal]);
      this.#controller = controller;
      this.#scope = new AsyncResource('fuseboard.call', { requireManualDestroy: true });
    }
    return this.#signal;
  }

  expire(): void {
    if (this.#permit.outcome !== undefined) return;
    const error = callTimeout(this.#circuit.name, this.#timeoutMs);
    if (this.#callersSignal?.aborted) this.#permit.ignore();
    else this.#circuit.core.settleTimeout(this.#permit);
    this.#reject(error);
    this.#scope?.runInAsyncScope(() => this.#controller!.abort(error));
  }

  #succeed(value: T): void {
    if (this.#permit.outcome !== undefined) return;
    this.#circuit.timeouts.remove(this);
    this.#circuit.core.settleResult(this.#permit, value);
    this.#resolve(value);
  }

  #fail(error: unknown): void {
    if (this.#permit.outcome !== undefined) return;
    this.#circuit.timeouts.remove(this);
    settleThrown(this.#permit, error, this.#callersSignal);
    this.#reject(error);
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

type Fallback<F> = NonNullable<ExecuteOptions<F>['fallback']>;

/** The end of a call that never began. */
function fail<F>(
  circuit: Circuit,
  error: unknown,
  fallback: Fallback<F> | undefined,
  signal: AbortSignal | undefined,
): Promise<F> {
  if (fallback === undefined) return Promise.reject(error);
  try {
    return Promise.resolve(fallBack(circuit, error, fallback, signal));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

function fallBack<F>(
  { core }: Circuit,
  error: unknown,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): F | PromiseLike<F> {
  core.tally.add(COUNTED.fallback);
  return fallback(error, new UntimedContext(signal));
}

/** Puts the fallback's answer in the place of an error or of a failing result. */
function replaceFailure<T, F>(
  circuit: Circuit,
  permit: Permit,
  attempt: Promise<T>,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): Promise<T | F> {
  return attempt.then<T | F, F>(
    (value) => (permit.outcome === 'failure' ? replaceResult(circuit, value, fallback, signal) : value),
    (error) => fallBack(circuit, error, fallback, signal),
  );
}

async function replaceResult<T, F>(
  circuit: Circuit,
  value: T,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): Promise<F> {
  let answer: unknown;
  try {
    answer = await fallBack(circuit, value, fallback, signal);
    return answer as F;
  } finally {
    if (answer !== value) discard(value);
  }
}

/** Nobody will read the body of a replaced Response; cancelled, it gives its connection back. */
function discard(result: unknown): void {
  try {
    const body = (result as { body?: { cancel?(): unknown } | null }).body;
    Promise.resolve(body?.cancel?.()).catch(() => {});
  } catch {
    // A body that cannot be cancelled is not ours to mend.
  }
}
