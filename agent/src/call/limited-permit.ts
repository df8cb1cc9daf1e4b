import type { Limiter } from '../core/limiter.ts';
import type { Permit } from '../core/permit.ts';

/** A permit that holds a place among the concurrent calls until it is settled. */
export class PlacedPermit {
  readonly #permit: Permit;
  readonly #limiter: Limiter;

  constructor(permit: Permit, limiter: Limiter) {
    this.#permit = permit;
    this.#limiter = limiter;
  }

  succeed(): void {
    this.#leave();
    this.#permit.succeed();
  }

  fail(error?: unknown): void {
    this.#leave();
    this.#permit.fail(error);
  }

  ignore(): void {
    this.#leave();
    this.#permit.ignore();
  }

  [Symbol.dispose](): void {
    this.ignore();
  }

  #leave(): void {
    if (this.#permit.outcome === undefined) this.#limiter.release();
  }
}
