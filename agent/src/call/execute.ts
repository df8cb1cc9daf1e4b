import { COUNTER } from '../core/counters.ts';
import type { Permit } from '../core/permit.ts';
import { publishRejection } from '../errors/diagnostics.ts';
import { circuitOpen, limited } from '../errors/errors.ts';
import type { Circuit } from './breaker-parts.ts';
import { type Call, UntimedContext } from './context.ts';
import { type Fallback, failOrFallBack, optIn, type PolicyFallback, withFallback } from './fallback.ts';
import { GuardedCall } from './guarded-call.ts';
import { LimitedPermit, takesInShadow } from './limited-permit.ts';
import { callPlainly } from './plain-call.ts';
import { isPartOfProbe } from './scopes/probe-scope.ts';
import { notCallable, wrongOptions } from './wrong-call.ts';

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

/**
 * Runs a function through a breaker. It never throws: every error is a rejection of the promise.
 *
 * @internal
 */
export function execute<T, F>(circuit: Circuit, fn: Call<T>, options: ExecuteOptions<F> | undefined): Promise<T | F> {
  if (typeof fn !== 'function') return Promise.reject(notCallable(circuit, 'execute', fn));
  const wrong = options === undefined ? undefined : wrongOptions(circuit, options);
  if (wrong !== undefined) return Promise.reject(wrong);
  const signal = options?.signal;
  if (signal?.aborted) return failOrFallBack(circuit, signal.reason, options);
  const { core, guards } = circuit;
  const answers = options?.fallback !== undefined || options?.policyFallback !== undefined ? options : undefined;
  if (guards === undefined && answers === undefined) {
    return callPlainly(circuit, fn, signal) ?? rejected(circuit, fn, signal);
  }
  if (options?.policyFallback !== undefined) optIn(circuit);
  const permit = core.enter();
  if (permit === null) {
    if (isPartOfProbe(circuit)) return passThrough(fn, signal);
    return failOrFallBack(circuit, circuitOpen(circuit, core.rejectedForMs), options);
  }
  guards?.admitted();
  const execution = new GuardedCall(circuit, permit, fn, signal, options?.retry !== false);
  const attempt = execution.start();
  return answers === undefined ? attempt : withFallback(circuit, attempt, execution, answers);
}

function rejected<T>(circuit: Circuit, fn: Call<T>, signal: AbortSignal | undefined): Promise<T> {
  if (isPartOfProbe(circuit)) return passThrough(fn, signal);
  return Promise.reject(circuitOpen(circuit, circuit.core.rejectedForMs));
}

/** The call around it decides. */
async function passThrough<T>(fn: Call<T>, signal: AbortSignal | undefined): Promise<T> {
  return fn(new UntimedContext(signal));
}

/**
 * Runs a synchronous function. Timeout, queue and retries do not apply, because a synchronous call cannot wait.
 *
 * @internal
 */
export function executeSync<T, F>(circuit: Circuit, fn: () => T, fallback: ((error: unknown) => F) | undefined): T | F {
  if (typeof fn !== 'function') throw notCallable(circuit, 'executeSync', fn);
  if (fallback !== undefined && typeof fallback !== 'function') throw wrongOptions(circuit, { fallback });
  const { core } = circuit;
  const answer = (error: unknown): F => {
    if (fallback === undefined) throw error;
    core.count(COUNTER.fallback);
    return fallback(error);
  };
  const permit = core.enter();
  if (permit === null && isPartOfProbe(circuit)) return fn();
  if (permit === null) return answer(circuitOpen(circuit, core.rejectedForMs));
  const limiter = circuit.guards?.limiter;
  if (limiter !== undefined && !takeSlot(circuit)) {
    permit.ignore();
    return answer(limited(circuit, circuit.guards!.config.concurrency!.maxConcurrent, 0));
  }
  let result: T;
  try {
    result = fn();
  } catch (error) {
    core.settleError(permit, error);
    return answer(error);
  } finally {
    limiter?.release();
  }
  if (isThenable(result)) {
    permit.ignore();
    result.then(undefined, () => {});
    throw new TypeError(`executeSync of breaker "${circuit.name}" got a function that returns a promise; use execute`);
  }
  const outcome = core.settleResult(permit, result);
  return outcome === 'failure' && fallback !== undefined ? answer(result) : result;
}

/**
 * A permit for a call that the code makes itself. Mode, breaker and limit apply; features that have to wait do not.
 *
 * @internal
 */
export function enter(circuit: Circuit): Permit | LimitedPermit | null {
  const { core, guards } = circuit;
  const permit = core.enter();
  if (permit === null) publishRejection(circuit, 'ERR_FUSEBOARD_OPEN', core.rejectedForMs);
  if (permit === null || guards?.limiter === undefined) return permit;
  if (!takeSlot(circuit)) {
    permit.ignore();
    publishRejection(circuit, 'ERR_FUSEBOARD_LIMITED', 0);
    return null;
  }
  return new LimitedPermit(permit, guards.limiter);
}

/** Takes a slot where there is a limit; in Shadow mode every call gets one. */
function takeSlot({ guards, core }: Circuit): boolean {
  const limiter = guards!.limiter!;
  return limiter.take() || takesInShadow(core, limiter);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
