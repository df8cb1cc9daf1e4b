import type { CircuitPermit } from '../core/circuit-permit.ts';
import type { Outcome } from '../core/classify.ts';
import { COUNTER } from '../core/counters.ts';
import type { Limiter, Waiter } from '../core/layers/limiter.ts';
import { backoffMs } from '../core/layers/retry.ts';
import { retryAfterMs } from '../core/retry-after.ts';
import { limited, notAdmittedErrorOf, queueTimeout } from '../errors/errors.ts';
import type { CallBreaker } from './call-breaker.ts';
import { CallWait } from './call-wait.ts';
import { type Call, type CallContext, UntimedContext } from './context.ts';
import { acquiresInShadow, beganAt, recordDuration } from './limited-permit.ts';
import { discard, discardResponseOf } from './response.ts';
import { asProbe } from './scopes/probe-scope.ts';
import { isCancelled, isTimedOut } from './signals/given-up.ts';
import { type CallCompletion, runTimed } from './timed-call.ts';

/** The end of an attempt that failed. */
type FailedAttempt<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'expired'; readonly error: unknown };

const wallNow = (): number => Date.now();

/**
 * One admitted call from its first attempt to its last: retry( breaker( concurrency( timeout( fn )))), or, with
 * `InsideBreaker`, breaker( retry( concurrency( timeout( fn )))). A layer that the call does not need adds no promise.
 */
export class LayeredCall<T> implements CallCompletion<T> {
  /** The outcome of the last attempt that ended; undefined: none has. */
  outcome: Outcome | undefined = undefined;
  readonly breaker: CallBreaker;
  readonly signal: AbortSignal | undefined;
  readonly #fn: Call<T>;
  /** Whether one permit covers all attempts. */
  readonly #retriesInsideBreaker: boolean;
  readonly #mayRetry: boolean;
  /** The call counts for its circuit, even when a test has reset the breaker since. */
  #permit: CircuitPermit;
  #attempts = 0;
  /** When this attempt began, for an adaptive limit. */
  #beganAt = -1;

  /**
   * @param permit for the first attempt.
   * @param mayRetry whether the retries of the policy apply.
   */
  constructor(
    breaker: CallBreaker,
    permit: CircuitPermit,
    fn: Call<T>,
    signal: AbortSignal | undefined,
    mayRetry = true,
  ) {
    this.breaker = breaker;
    this.signal = signal;
    this.#fn = fn;
    this.#permit = permit;
    this.#mayRetry = mayRetry;
    this.#retriesInsideBreaker = breaker.layers?.config.retry?.insideBreaker ?? false;
  }

  start(): Promise<T> {
    return this.#attempt(undefined);
  }

  returned(value: T): T | Promise<T> {
    const { circuit } = this.#permit;
    const outcome = this.#retriesInsideBreaker
      ? circuit.classifyResult(value)
      : circuit.settleResult(this.#permit, value);
    if (outcome === 'success') this.#recordDuration();
    if (outcome === 'failure') return this.#retryOrSettle({ kind: 'returned', value }) ?? value;
    if (this.#retriesInsideBreaker) circuit.settleResult(this.#permit, value, outcome);
    this.outcome = outcome;
    return value;
  }

  threw(error: unknown): Promise<T> | undefined {
    const { circuit } = this.#permit;
    if (this.signal?.aborted) return this.#settleAborted(error);
    const outcome = this.#retriesInsideBreaker
      ? circuit.classifyError(error)
      : circuit.settleError(this.#permit, error);
    if (outcome === 'failure') return this.#retryOrSettle({ kind: 'threw', error });
    if (this.#retriesInsideBreaker) circuit.settleError(this.#permit, error, outcome);
    this.outcome = outcome;
    return undefined;
  }

  expired(error: unknown): Promise<T> | undefined {
    if (isCancelled(this.signal)) return this.#settleIgnored();
    this.#recordDuration();
    const { circuit } = this.#permit;
    circuit.count(COUNTER.timedOut);
    if (!this.#retriesInsideBreaker) circuit.settleError(this.#permit, error, 'failure');
    return this.#retryOrSettle({ kind: 'expired', error });
  }

  /** The caller's signal aborted, by a timeout or otherwise; no further attempt is made. */
  #settleAborted(error: unknown): undefined {
    const { circuit } = this.#permit;
    if (!isTimedOut(this.signal) || circuit.classifyError(error) === 'ignored') return this.#settleIgnored();
    this.#recordDuration();
    circuit.count(COUNTER.timedOut);
    circuit.settleError(this.#permit, error, 'failure');
    this.outcome = 'failure';
  }

  #recordDuration(): void {
    const { layers, clock, circuit } = this.breaker;
    if (circuit === this.#permit.circuit) recordDuration(layers?.limiter, clock, this.#beganAt);
  }

  #settleIgnored(): undefined {
    this.#permit.ignore();
    this.outcome = 'ignored';
  }

  /** Starts another attempt; undefined when the call ends with this failure. */
  #retryOrSettle(failure: FailedAttempt<T>): Promise<T> | undefined {
    const waitMs = this.#retryWaitMs(failure);
    if (waitMs !== undefined) return this.#retry(failure, waitMs);
    this.#settleFailure(failure);
    return undefined;
  }

  #retryWaitMs(failure: FailedAttempt<T>): number | undefined {
    const { layers, clock } = this.breaker;
    const retry = layers?.config.retry;
    if (retry === undefined || this.#attempts >= retry.maxAttempts || !this.#mayRetry) return undefined;
    if (this.#permit.circuit.rejectsAll || this.signal?.aborted) return undefined;
    // Another breaker inside the function did not admit the call; retries would put load on it all the same.
    if (failure.kind === 'threw' && notAdmittedErrorOf(failure.error) !== undefined) return undefined;
    const asked = failure.kind === 'expired' ? 0 : retryAfterMs(outcomeOf(failure), wallNow);
    const random = retry.jitterPercent === 0 ? 0 : this.breaker.random();
    const waitMs = backoffMs(retry, this.#attempts, random, asked);
    return waitMs !== undefined && layers!.budget.spend(clock.now(), retry.minPerSecond) ? waitMs : undefined;
  }

  async #retry(failure: FailedAttempt<T>, waitMs: number): Promise<T> {
    const { timeouts } = this.breaker;
    const { circuit } = this.#permit;
    if ((await new CallWait(timeouts, waitMs, this.signal).ended) === 'aborted') return this.#endAborted(failure);
    if (circuit.rejectsAll) return this.#endWith(failure);
    if (!this.#retriesInsideBreaker) {
      const permit = circuit.enter();
      if (permit === null) return this.#endWith(failure);
      this.#permit = permit;
    }
    return this.#attempt(failure);
  }

  /** @param previous the failed attempt before; the call ends with it when this attempt is refused. */
  #attempt(previous: FailedAttempt<T> | undefined): Promise<T> {
    const limiter = this.breaker.layers?.limiter;
    if (limiter === undefined || limiter.acquire() || acquiresInShadow(this.#permit.circuit, limiter)) {
      return this.#runAttempt(limiter, previous);
    }
    return this.#queue(limiter, previous);
  }

  async #queue(limiter: Limiter, previous: FailedAttempt<T> | undefined): Promise<T> {
    const { layers, timeouts } = this.breaker;
    const { circuit } = this.#permit;
    const { maxQueue, queueTimeoutMs } = layers!.config.concurrency!;
    const waiter: Waiter = { previous: null, next: null, granted: () => wait.granted() };
    if (!limiter.join(waiter)) return this.#endRefused(limited(this.breaker, limiter.limit, maxQueue), previous);
    const wait = new CallWait(timeouts, queueTimeoutMs, this.signal, () => limiter.leave(waiter));
    const isFirst = !this.#retriesInsideBreaker || previous === undefined;
    if (isFirst) circuit.pause(this.#permit);
    const end = await wait.ended;
    if (isFirst) circuit.begin(this.#permit);
    if (end === 'elapsed') return this.#endRefused(queueTimeout(this.breaker, queueTimeoutMs), previous);
    if (this.signal?.aborted) {
      if (end === 'granted') limiter.release();
      return this.#endAborted(previous);
    }
    return this.#runAttempt(limiter, previous);
  }

  #runAttempt(limiter: Limiter | undefined, previous: FailedAttempt<T> | undefined): Promise<T> {
    const { layers, clock } = this.breaker;
    const { circuit } = this.#permit;
    if (previous !== undefined) {
      circuit.count(COUNTER.retried);
      if (previous.kind === 'returned') discard(previous.value);
      else discardResponseOf(previous.error);
    }
    this.#attempts++;
    this.#beganAt = beganAt(limiter, clock);
    const adaptive = layers?.adaptive;
    const { timeoutMs } = circuit.config;
    const limitMs =
      adaptive === undefined ? timeoutMs : Math.ceil(adaptive.limitMs(layers!.config.adaptive!, timeoutMs));
    // The probe and the call both subscribe to what the function returns, and some thenables start their work for each.
    const once = (context: CallContext) => Promise.resolve(this.#fn(context));
    const fn = circuit.state === 'half-open' ? asProbe(this.breaker, once) : this.#fn;
    if (limitMs !== 0) return runTimed(this, limitMs, limiter, adaptive, fn);
    try {
      return Promise.resolve(fn(new UntimedContext(this.signal))).then(
        (value) => {
          limiter?.release();
          return this.returned(value);
        },
        (error) => {
          limiter?.release();
          const replacement = this.threw(error);
          if (replacement === undefined) throw error;
          return replacement;
        },
      );
    } catch (error) {
      limiter?.release();
      return this.threw(error) ?? Promise.reject(error);
    }
  }

  /** Settles the permit, unless each attempt settles its own, with the failure that the call ends with. */
  #settleFailure(failure: FailedAttempt<T>): void {
    const { circuit } = this.#permit;
    this.outcome = 'failure';
    if (!this.#retriesInsideBreaker) return;
    if (failure.kind === 'returned') circuit.settleResult(this.#permit, failure.value);
    else if (failure.kind === 'threw') circuit.settleError(this.#permit, failure.error);
    else circuit.settleError(this.#permit, failure.error, 'failure');
  }

  #endWith(failure: FailedAttempt<T>): T {
    this.#settleFailure(failure);
    if ('error' in failure) throw failure.error;
    return failure.value;
  }

  #endRefused(error: unknown, previous: FailedAttempt<T> | undefined): T {
    if (!this.#retriesInsideBreaker || previous === undefined) this.#permit.ignore();
    if (previous !== undefined) return this.#endWith(previous);
    throw error;
  }

  /** Ends a call whose caller aborted while it waited. By a timeout after a failed attempt, it failed and timed out. */
  #endAborted(previous: FailedAttempt<T> | undefined): never {
    if (previous === undefined || !isTimedOut(this.signal)) this.#settleIgnored();
    else {
      if (previous.kind !== 'expired') this.#permit.circuit.count(COUNTER.timedOut);
      this.#settleFailure(previous);
      this.#permit.ignore();
    }
    if (previous?.kind === 'returned') discard(previous.value);
    throw this.signal!.reason;
  }
}

function outcomeOf<T>(failure: FailedAttempt<T>): unknown {
  return 'error' in failure ? failure.error : failure.value;
}
