import type { Outcome } from '../core/classify.ts';
import { COUNTED } from '../core/counters.ts';
import type { Limiter, Waiter } from '../core/limiter.ts';
import type { Permit } from '../core/permit.ts';
import { backoffMs } from '../core/retry.ts';
import { retryAfterMs } from '../core/retry-after.ts';
import { limited, queueTimeout } from '../errors/errors.ts';
import type { Circuit } from './circuit.ts';
import { type Call, UntimedContext } from './context.ts';
import { Wait } from './queued-wait.ts';
import { discard } from './response.ts';
import { type Ending, runTimed } from './timed-call.ts';

/** What an attempt that failed came to. */
type Failure<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'expired'; readonly error: unknown };

const wallNow = (): number => Date.now();

/**
 * One admitted call from its first attempt to its last: retry( breaker( concurrency( timeout( fn )))), or, with
 * `InsideBreaker`, breaker( retry( concurrency( timeout( fn )))). What is configured and not needed costs no promise.
 */
export class Execution<T> implements Ending<T> {
  /** How the last attempt was judged; undefined where none ended. */
  outcome: Outcome | undefined = undefined;
  readonly circuit: Circuit;
  readonly signal: AbortSignal | undefined;
  readonly #fn: Call<T>;
  /** One permit for all attempts. */
  readonly #inside: boolean;
  #permit: Permit;
  #attempts = 0;

  /** @param permit for the first attempt. */
  constructor(circuit: Circuit, permit: Permit, fn: Call<T>, signal: AbortSignal | undefined) {
    this.circuit = circuit;
    this.signal = signal;
    this.#fn = fn;
    this.#permit = permit;
    this.#inside = circuit.guards?.config.retry?.insideBreaker ?? false;
  }

  start(): Promise<T> {
    return this.#attempt(undefined);
  }

  returned(value: T): T | Promise<T> {
    const { core } = this.circuit;
    const outcome = this.#inside ? core.judgeResult(value) : core.settleResult(this.#permit, value);
    if (outcome === 'failure') return this.#failed({ kind: 'returned', value }) ?? value;
    if (this.#inside) core.settle(this.#permit, outcome);
    this.outcome = outcome;
    return value;
  }

  threw(error: unknown): Promise<T> | undefined {
    const { core } = this.circuit;
    if (this.signal?.aborted) return this.#ignored();
    const outcome = this.#inside ? core.judgeError(error) : core.settleError(this.#permit, error);
    if (outcome === 'failure') return this.#failed({ kind: 'threw', error });
    if (this.#inside) core.settle(this.#permit, outcome);
    this.outcome = outcome;
    return undefined;
  }

  expired(error: unknown): Promise<T> | undefined {
    if (this.signal?.aborted) return this.#ignored();
    this.circuit.core.count(COUNTED.timedOut);
    if (!this.#inside) this.circuit.core.settle(this.#permit, 'failure');
    return this.#failed({ kind: 'expired', error });
  }

  #ignored(): undefined {
    this.#permit.ignore();
    this.outcome = 'ignored';
  }

  /** Another attempt, or undefined when this failure is what the call comes to. */
  #failed(failure: Failure<T>): Promise<T> | undefined {
    const waitMs = this.#retryWaitMs(failure);
    if (waitMs !== undefined) return this.#again(failure, waitMs);
    this.#conclude(failure);
    return undefined;
  }

  #retryWaitMs(failure: Failure<T>): number | undefined {
    const { guards, clock } = this.circuit;
    const retry = guards?.config.retry;
    if (retry === undefined || this.#attempts >= retry.maxAttempts || this.#shut()) return undefined;
    const asked = failure.kind === 'expired' ? 0 : retryAfterMs(contentOf(failure), wallNow);
    const chance = retry.jitterPercent === 0 ? 0 : this.circuit.random();
    const waitMs = backoffMs(retry, this.#attempts, chance, asked);
    return waitMs !== undefined && guards!.budget.take(clock.now()) ? waitMs : undefined;
  }

  async #again(failure: Failure<T>, waitMs: number): Promise<T> {
    const { core, timeouts } = this.circuit;
    if ((await new Wait(timeouts, waitMs, this.signal).ended) === 'aborted') return this.#abandoned(failure);
    if (this.#shut()) return this.#remains(failure);
    if (!this.#inside) {
      const permit = core.enter();
      if (permit === null) return this.#remains(failure);
      this.#permit = permit;
    }
    return this.#attempt(failure);
  }

  /** @param before what the attempt before came to; it remains when this one is refused. */
  #attempt(before: Failure<T> | undefined): Promise<T> {
    const { guards, core } = this.circuit;
    const limiter = guards?.limiter;
    if (limiter === undefined || limiter.take()) return this.#run(limiter, before);
    if (core.config.mode === 'Shadow') {
      core.count(COUNTED.shadowRejected);
      limiter.takeAnyway();
      return this.#run(limiter, before);
    }
    return this.#queue(limiter, before);
  }

  async #queue(limiter: Limiter, before: Failure<T> | undefined): Promise<T> {
    const { guards, timeouts, core } = this.circuit;
    const { maxConcurrent, maxQueue, queueTimeoutMs } = guards!.config.concurrency!;
    const waiter: Waiter = { previous: null, next: null, granted: () => wait.granted() };
    if (!limiter.join(waiter)) return this.#refused(limited(this.circuit, maxConcurrent, maxQueue), before);
    const wait = new Wait(timeouts, queueTimeoutMs, this.signal, () => limiter.leave(waiter));
    const isFirst = !this.#inside || before === undefined;
    if (isFirst) core.pause(this.#permit);
    const end = await wait.ended;
    if (isFirst) core.restart(this.#permit);
    if (end === 'over') return this.#refused(queueTimeout(this.circuit, queueTimeoutMs), before);
    if (this.signal?.aborted) {
      if (end === 'granted') limiter.release();
      return this.#abandoned(before);
    }
    return this.#run(limiter, before);
  }

  #run(place: Limiter | undefined, before: Failure<T> | undefined): Promise<T> {
    const { guards, core } = this.circuit;
    if (before !== undefined) {
      core.count(COUNTED.retried);
      if (before.kind === 'returned') discard(before.value);
    }
    this.#attempts++;
    const adaptive = guards?.adaptive;
    const { timeoutMs } = core.config;
    const limitMs =
      adaptive === undefined ? timeoutMs : Math.ceil(adaptive.limitMs(guards!.config.adaptive!, timeoutMs));
    if (limitMs !== 0) return runTimed(this, limitMs, place, adaptive, this.#fn);
    try {
      return Promise.resolve(this.#fn(new UntimedContext(this.signal))).then(
        (value) => {
          place?.release();
          return this.returned(value);
        },
        (error) => {
          place?.release();
          const instead = this.threw(error);
          if (instead === undefined) throw error;
          return instead;
        },
      );
    } catch (error) {
      place?.release();
      return this.threw(error) ?? Promise.reject(error);
    }
  }

  /** Settles what is not settled by the failure that stands. */
  #conclude(failure: Failure<T>): void {
    const { core } = this.circuit;
    this.outcome = 'failure';
    if (!this.#inside) return;
    if (failure.kind === 'returned') core.settleResult(this.#permit, failure.value);
    else if (failure.kind === 'threw') core.settleError(this.#permit, failure.error);
    else core.settle(this.#permit, 'failure');
  }

  #remains(failure: Failure<T>): T {
    this.#conclude(failure);
    if ('error' in failure) throw failure.error;
    return failure.value;
  }

  #refused(error: unknown, before: Failure<T> | undefined): T {
    if (!this.#inside || before === undefined) this.#permit.ignore();
    if (before !== undefined) return this.#remains(before);
    throw error;
  }

  /** The caller gave up while the call waited. */
  #abandoned(before: Failure<T> | undefined): never {
    this.#ignored();
    if (before?.kind === 'returned') discard(before.value);
    throw this.signal!.reason;
  }

  /** Whether the circuit rejects everything. */
  #shut(): boolean {
    const { core } = this.circuit;
    return core.config.mode === 'Enforce' && core.state === 'open';
  }
}

function contentOf<T>(failure: Failure<T>): unknown {
  return 'error' in failure ? failure.error : failure.value;
}
