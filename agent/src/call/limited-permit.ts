import type { Circuit } from '../core/circuit.ts';
import type { CircuitPermit } from '../core/circuit-permit.ts';
import { COUNTER } from '../core/counters.ts';
import type { Limiter } from '../core/guards/limiter.ts';
import type { Permit } from '../core/permit.ts';

/** A permit that holds a slot among the concurrent calls until it is settled. */
export class LimitedPermit implements Permit {
  readonly #permit: CircuitPermit;
  readonly #limiter: Limiter;

  constructor(permit: CircuitPermit, limiter: Limiter) {
    this.#permit = permit;
    this.#limiter = limiter;
  }

  succeed(): void {
    this.#releaseSlot();
    this.#permit.succeed();
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

/** Takes a slot beyond the limit in Shadow mode, where every call gets one; says whether it did. */
export function takesInShadow(circuit: Circuit, limiter: Limiter): boolean {
  if (circuit.config.mode !== 'Shadow') return false;
  circuit.count(COUNTER.shadowRejected);
  limiter.takeAnyway();
  return true;
}
