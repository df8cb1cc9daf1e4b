import type { BreakerCore } from './circuit.ts';
import type { Outcome } from './classify.ts';

/** The generation of a permit that counts in the totals but does not affect the state. */
export const NO_GENERATION = -1;

/** Permission for one call. Settling it a second time does nothing. */
export class Permit {
  core: BreakerCore;
  /** The generation of the state that it was given in. */
  generation: number;
  startedAt: number;
  /** The outcome of the call, once it ended. */
  outcome: Outcome | undefined = undefined;

  constructor(core: BreakerCore, generation: number, startedAt: number) {
    this.core = core;
    this.generation = generation;
    this.startedAt = startedAt;
  }

  /** Permission for the next call of the owner of a permit that is settled. */
  renew(core: BreakerCore, generation: number, startedAt: number): this {
    this.core = core;
    this.generation = generation;
    this.startedAt = startedAt;
    this.outcome = undefined;
    return this;
  }

  /** The call succeeded. */
  succeed(): void {
    this.core.settle(this, 'success');
  }

  /** The call failed. An error is classified as the policy's `classify` says; without one it is a failure. */
  fail(error?: unknown): void {
    if (error === undefined) this.core.settle(this, 'failure');
    else this.core.settleError(this, error);
  }

  /** The outcome is ignored: it carries no information about the dependency. */
  ignore(): void {
    this.core.settle(this, 'ignored');
  }

  /** Leaving the scope of `using` unsettled is an ignored outcome. */
  [Symbol.dispose](): void {
    this.core.settle(this, 'ignored');
  }
}
