import { COUNTER } from '../core/counters.ts';
import type { Permit } from '../core/permit.ts';
import { publishNotAdmitted } from '../errors/diagnostics.ts';
import { circuitOpen, limited } from '../errors/errors.ts';
import type { CallBreaker } from './call-breaker.ts';
import { type Call, UntimedContext } from './context.ts';
import { type Fallback, failOrFallBack, optIn, type PolicyFallback, withFallback } from './fallback.ts';
import { LayeredCall } from './layered-call.ts';
import { acquiresInShadow, beganAt, LimitedPermit, recordDuration } from './limited-permit.ts';
import { callPlainly } from './plain-call.ts';
import { asProbe, isPartOfProbe } from './scopes/probe-scope.ts';
import { notCallable, SYNC_OPTIONS, wrongOptions } from './wrong-call.ts';

export interface ExecuteOptions<F> {
  /**
   * Is called instead of rejecting: on a rejection, a timeout, an error of the function, or a result that the policy
   * counts as a failure, such as a Response with 5xx, which is then its argument. An error that it throws reaches the
   * caller.
   */
  readonly fallback?: Fallback<F> | undefined;
  /**
   * Opts in to the `fallback` of the policy, if there is one, for rejections and failures. A fallback in code takes
   * precedence. Absent: the fallback of the policy is not used.
   */
  readonly policyFallback?: PolicyFallback<F> | undefined;
  /**
   * Lets the caller abort the call. The outcome of an aborted call is ignored, because it says nothing about the
   * dependency. A signal of AbortSignal.timeout is a timeout instead: a call that it ends counts as failed and timed
   * out.
   */
  readonly signal?: AbortSignal | undefined;
  /** Whether the retries of the policy apply; false for a call that must not be repeated. Absent: true. */
  readonly retry?: boolean | undefined;
}

const NO_OPTIONS = {};

/**
 * Runs a function through a breaker. It never throws: every error is a rejection of the promise.
 *
 * @internal
 */
export function execute<T, F>(
  breaker: CallBreaker,
  fn: Call<T>,
  options: ExecuteOptions<F> | undefined,
): Promise<T | F> {
  if (typeof fn !== 'function') return Promise.reject(notCallable(breaker, 'execute', fn));
  const wrong = options === undefined ? undefined : wrongOptions(breaker, options);
  if (wrong !== undefined) return Promise.reject(wrong);
  const signal = options?.signal;
  if (signal?.aborted) return failOrFallBack(breaker, signal.reason, options);
  const { circuit, layers } = breaker;
  const fallbacks = options?.fallback !== undefined || options?.policyFallback !== undefined ? options : undefined;
  if (layers === undefined && fallbacks === undefined) {
    return callPlainly(breaker, fn, signal) ?? rejected(breaker, fn, signal);
  }
  if (options?.policyFallback !== undefined) optIn(breaker);
  const permit = circuit.enter();
  if (permit === null) {
    if (isPartOfProbe(breaker)) return passThrough(fn, signal);
    return failOrFallBack(breaker, circuitOpen(breaker, circuit.rejectedForMs), options);
  }
  layers?.admitted();
  const execution = new LayeredCall(breaker, permit, fn, signal, options?.retry !== false);
  const attempt = execution.start();
  return fallbacks === undefined ? attempt : withFallback(breaker, attempt, execution, fallbacks);
}

function rejected<T>(breaker: CallBreaker, fn: Call<T>, signal: AbortSignal | undefined): Promise<T> {
  if (isPartOfProbe(breaker)) return passThrough(fn, signal);
  return Promise.reject(circuitOpen(breaker, breaker.circuit.rejectedForMs));
}

/** Runs the function without a permit: the probe around it settles the outcome. */
async function passThrough<T>(fn: Call<T>, signal: AbortSignal | undefined): Promise<T> {
  return fn(new UntimedContext(signal));
}

/**
 * Runs a synchronous function. Timeout, queue and retries do not apply, because a synchronous call cannot wait.
 *
 * @internal
 */
export function executeSync<T, F>(
  breaker: CallBreaker,
  fn: () => T,
  options: { readonly fallback?: ((error: unknown) => F) | undefined } = NO_OPTIONS,
): T | F {
  if (typeof fn !== 'function') throw notCallable(breaker, 'executeSync', fn);
  const wrong = options === NO_OPTIONS ? undefined : wrongOptions(breaker, options, SYNC_OPTIONS);
  if (wrong !== undefined) throw wrong;
  const { fallback } = options;
  const { circuit } = breaker;
  const answer = (error: unknown): F => {
    if (fallback === undefined) throw error;
    circuit.count(COUNTER.fallback);
    return fallback(error);
  };
  const permit = circuit.enter();
  if (permit === null && isPartOfProbe(breaker)) return fn();
  if (permit === null) return answer(circuitOpen(breaker, circuit.rejectedForMs));
  const limiter = breaker.layers?.limiter;
  if (limiter !== undefined && !acquireSlot(breaker)) {
    permit.ignore();
    return answer(limited(breaker, limiter.limit, 0));
  }
  const began = beganAt(limiter, breaker.clock);
  const run = circuit.state === 'half-open' ? asProbe(breaker, fn) : fn;
  let result: T;
  try {
    result = run();
  } catch (error) {
    // Released before the fallback, which may use the breaker.
    limiter?.release();
    circuit.settleError(permit, error);
    return answer(error);
  }
  limiter?.release();
  if (isThenable(result)) {
    permit.ignore();
    result.then(undefined, () => {});
    throw new TypeError(`executeSync of breaker "${breaker.name}" got a function that returns a promise; use execute`);
  }
  const outcome = circuit.settleResult(permit, result);
  if (outcome === 'success') recordDuration(limiter, breaker.clock, began);
  return outcome === 'failure' && fallback !== undefined ? answer(result) : result;
}

/**
 * A permit for a call that the code makes itself. The circuit and the limit apply; queue, retries and timeouts do not.
 *
 * @internal
 */
export function enter(breaker: CallBreaker): Permit | null {
  const { circuit, layers } = breaker;
  const permit = circuit.enter();
  if (permit === null) publishNotAdmitted(breaker, 'ERR_FUSEBOARD_OPEN', circuit.rejectedForMs);
  if (permit === null || layers?.limiter === undefined) return permit;
  if (!acquireSlot(breaker)) {
    permit.ignore();
    publishNotAdmitted(breaker, 'ERR_FUSEBOARD_LIMITED', 0);
    return null;
  }
  return new LimitedPermit(permit, layers.limiter, breaker.clock);
}

/** Takes a slot of the limiter; in mode Shadow every call gets one. */
function acquireSlot({ layers, circuit }: CallBreaker): boolean {
  const limiter = layers!.limiter!;
  return limiter.acquire() || acquiresInShadow(circuit, limiter);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
