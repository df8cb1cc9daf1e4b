import type { Circuit, Host } from '../../core/circuit.ts';
import type { Outcome } from '../../core/classify.ts';
import type { CallObserver } from '../../core/observers/call-observer.ts';
import { type LastError, lastErrorOf } from '../../core/outcomes/last-error.ts';
import { Listeners } from '../listeners.ts';
import { observeCalls } from './call-observers.ts';

/** A call, or one attempt of a call that is retried, that its breaker counted as failed. */
export interface FailureEvent {
  /** The name of the breaker. */
  readonly breaker: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
  readonly key?: string;
  readonly outcome: 'failure';
  /** What failed: its class, and its message, cut. Absent: the code settled the call without an error. */
  readonly error?: LastError;
  /** How long it took, in milliseconds, to within 5 ms. */
  readonly tookMs: number;
}

/** Passes the failures of all breakers of the process to one listener. */
class FailureObserver implements CallObserver {
  readonly #listeners = new Listeners<[FailureEvent]>();

  constructor(listener: (event: FailureEvent) => void) {
    this.#listeners.add(listener);
  }

  settled(_circuit: Circuit, host: Host, _startedAt: number, tookMs: number, outcome: Outcome, what: unknown): void {
    const { name, key } = host;
    if (outcome !== 'failure' || name === undefined) return;
    const error = lastErrorOf(what);
    this.#listeners.notify('failures', {
      breaker: name,
      ...(key === undefined ? {} : { key }),
      outcome,
      ...(error === undefined ? {} : { error }),
      tookMs,
    });
  }

  rejected(): void {}
}

/** Subscribes to the failures of every breaker of the process. @returns a function that ends the subscription. */
export function onFailure(listener: (event: FailureEvent) => void): () => void {
  return observeCalls(new FailureObserver(listener));
}
