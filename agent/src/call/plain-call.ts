import { CircuitPermit, NO_GENERATION } from '../core/circuit-permit.ts';
import { COUNTER } from '../core/counters.ts';
import type { CallBreaker } from './call-breaker.ts';
import { type Call, UntimedContext } from './context.ts';
import { LayeredCall } from './layered-call.ts';
import { ObjectPool } from './promises/object-pool.ts';
import { RejectedThenable } from './promises/rejected-thenable.ts';
import { thenOnce } from './promises/then-once.ts';
import { isCancelled, isTimedOut } from './signals/given-up.ts';
import { type CallCompletion, runTimed } from './timed-call.ts';

const pool = new ObjectPool<PlainCall>();

/** Follows one call at a time: holds its permit, and the callbacks of its promise. */
class PlainCall implements CallCompletion<unknown> {
  breaker: CallBreaker;
  readonly permit: CircuitPermit;
  signal: AbortSignal | undefined = undefined;
  readonly onReturn = <T>(value: T): T => this.returned(value);
  readonly onThrow = (error: unknown): RejectedThenable => {
    this.threw(error);
    return new RejectedThenable(error);
  };

  constructor(breaker: CallBreaker) {
    this.breaker = breaker;
    this.permit = new CircuitPermit(breaker.circuit, NO_GENERATION, 0);
  }

  returned<T>(value: T): T {
    const { permit } = this;
    permit.circuit.settleResult(permit, value);
    this.end();
    return value;
  }

  threw(error: unknown): undefined {
    const { permit, signal } = this;
    if (signal?.aborted) settleAborted(permit, signal, error);
    else permit.circuit.settleError(permit, error);
    this.end();
  }

  expired(error: unknown): undefined {
    const { permit, signal } = this;
    if (isCancelled(signal)) permit.ignore();
    else {
      permit.circuit.count(COUNTER.timedOut);
      permit.circuit.settleError(permit, error, 'failure');
    }
    this.end();
  }

  end(): void {
    this.signal = undefined;
    pool.release(this);
  }
}

/** Settles a call whose signal aborted: by a timeout, it is a failure, unless the policy ignores the error. */
function settleAborted(permit: CircuitPermit, signal: AbortSignal, error: unknown): void {
  const { circuit } = permit;
  if (!isTimedOut(signal)) permit.ignore();
  else if (circuit.classifyError(error) === 'ignored') permit.ignore();
  else {
    circuit.count(COUNTER.timedOut);
    circuit.settleError(permit, error, 'failure');
  }
}

/**
 * Makes a call with only the circuit and a fixed time limit around it; undefined when the circuit rejects it.
 *
 * @internal
 */
export function callPlainly<T>(
  breaker: CallBreaker,
  fn: Call<T>,
  signal: AbortSignal | undefined,
): Promise<T> | undefined {
  const { circuit } = breaker;
  const call = pool.acquire() ?? new PlainCall(breaker);
  const permit = circuit.enter(call.permit);
  // A probe has a permit of its own, so the call that holds the reused one is not needed.
  if (permit !== call.permit) {
    pool.release(call);
    return permit === null ? undefined : new LayeredCall(breaker, permit, fn, signal).start();
  }
  if (signal !== undefined) call.signal = signal;
  const { timeoutMs } = circuit.config;
  if (timeoutMs !== 0) {
    call.breaker = breaker;
    return runTimed(call as CallCompletion<T>, timeoutMs, undefined, undefined, fn);
  }
  try {
    const promise = Promise.resolve(fn(new UntimedContext(signal)));
    return thenOnce(promise, call.onReturn<T>, call.onThrow);
  } catch (error) {
    call.threw(error);
    return Promise.reject(error);
  }
}
