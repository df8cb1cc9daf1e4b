import type { Circuit, Host } from '../circuit.ts';
import type { Outcome } from '../classify.ts';

/** Notified of every call of every breaker. It must not throw, because it runs as part of the call. */
export interface CallObserver {
  /**
   * A call was settled.
   *
   * @param startedAt when it began, in milliseconds of the breaker's clock.
   * @param what the value that the call returned or threw; undefined when the breaker does not know it.
   * @param threw whether `what` was thrown.
   */
  settled(
    circuit: Circuit,
    host: Host,
    startedAt: number,
    tookMs: number,
    outcome: Outcome,
    what: unknown,
    threw: boolean,
  ): void;
  /** @param now in milliseconds of the breaker's clock. */
  rejected(circuit: Circuit, host: Host, now: number): void;
}

/** Holds the observers of calls. */
export interface CallObservers {
  /** Undefined without an observer, so that a call costs one comparison. */
  list: readonly CallObserver[] | undefined;
}

/** The observers of all breakers of this copy of the package. */
export const callObservers: CallObservers = { list: undefined };
