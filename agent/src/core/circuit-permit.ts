import type { Circuit } from './circuit.ts';
import type { Outcome } from './classify.ts';
import type { Permit } from './permit.ts';

/** The generation of a permit that counts in the totals but does not affect the state. */
export const NO_GENERATION = -1;

/** The permit of a circuit. */
export class CircuitPermit implements Permit {
  circuit: Circuit;
  /** The generation of the circuit when it admitted the call. */
  generation: number;
  startedAt: number;
  /** The outcome of the call, once it ended. */
  outcome: Outcome | undefined = undefined;

  constructor(circuit: Circuit, generation: number, startedAt: number) {
    this.circuit = circuit;
    this.generation = generation;
    this.startedAt = startedAt;
  }

  /** Reuses this settled permit for another call. */
  renew(circuit: Circuit, generation: number, startedAt: number): this {
    this.circuit = circuit;
    this.generation = generation;
    this.startedAt = startedAt;
    this.outcome = undefined;
    return this;
  }

  succeed(): void {
    this.circuit.settle(this, 'success');
  }

  fail(error?: unknown): void {
    if (error === undefined) this.circuit.settle(this, 'failure');
    else this.circuit.settleError(this, error);
  }

  ignore(): void {
    this.circuit.settle(this, 'ignored');
  }

  [Symbol.dispose](): void {
    this.circuit.settle(this, 'ignored');
  }
}
