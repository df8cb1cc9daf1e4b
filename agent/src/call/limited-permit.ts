import type { Circuit } from '../core/circuit.ts';
import type { CircuitPermit } from '../core/circuit-permit.ts';
import { type Clock, exactNow } from '../core/clock.ts';
import { COUNTER } from '../core/counters.ts';
import type { Limiter } from '../core/layers/limiter.ts';
import type { Permit } from '../core/permit.ts';

/** A permit that holds a slot among the concurrent calls until it is settled. */
export class LimitedPermit implements Permit {
  readonly #permit: CircuitPermit;
  readonly #limiter: Limiter;
  readonly #clock: Clock;
  readonly #beganAt: number;

  constructor(permit: CircuitPermit, limiter: Limiter, clock: Clock) {
    this.#permit = permit;
    this.#limiter = limiter;
    this.#clock = clock;
    this.#beganAt = beganAt(limiter, clock);
  }

  succeed(): void {
    const isFirst = this.#permit.outcome === undefined;
    this.#releaseSlot();
    this.#permit.succeed();
    if (isFirst) recordDuration(this.#limiter, this.#clock, this.#beganAt);
  }

  fail(error?: unknown): void {
    this.#releaseSlot();
    this.#permit.fail(error);
  }

  ignore(): void {
    this.#releaseSlot();
    this.#permit.ignore();
  }

  [Symbol.dispose](): void {
    this.ignore();
  }

  #releaseSlot(): void {
    if (this.#permit.outcome === undefined) this.#limiter.release();
  }
}

/** The start time of a call, for an adaptive limit; negative when the limit is not adaptive. */
export function beganAt(limiter: Limiter | undefined, clock: Clock): number {
  return limiter?.isAdaptive ? exactNow(clock) : -1;
}

/** Passes the duration of a call that succeeded or timed out to an adaptive limit. */
export function recordDuration(limiter: Limiter | undefined, clock: Clock, beganAt: number): void {
  if (beganAt >= 0) limiter?.record(exactNow(clock) - beganAt);
}

/** Takes a slot beyond the limit in mode Shadow, where every call gets one; returns whether it did. */
export function acquiresInShadow(circuit: Circuit, limiter: Limiter): boolean {
  if (circuit.config.mode !== 'Shadow') return false;
  circuit.count(COUNTER.shadowRejected);
  limiter.acquireAnyway();
  return true;
}
