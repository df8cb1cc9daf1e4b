import type { BreakerCore, Host } from '../breaker.ts';
import type { Outcome } from '../classify.ts';

/** Is told of every call of every breaker. It must not throw, and it runs on the path of the call. */
export interface CallObserver {
  /**
   * A call was settled.
   *
   * @param startedAt when it began, in milliseconds of the breaker's clock.
   * @param what what it returned or threw; undefined where the breaker was not told.
   * @param threw whether `what` was thrown.
   */
  settled(
    core: BreakerCore,
    host: Host,
    startedAt: number,
    tookMs: number,
    outcome: Outcome,
    what: unknown,
    threw: boolean,
  ): void;
  /** @param now in milliseconds of the breaker's clock. */
  rejected(core: BreakerCore, host: Host, now: number): void;
}

interface Observers {
  /** Undefined while nobody observes, so that a call costs one comparison. */
  list: readonly CallObserver[] | undefined;
}

const KEY = Symbol.for('fuseboard.calls/1');
const shared = globalThis as { [KEY]?: Observers };
shared[KEY] ??= { list: undefined };

/** Who observes calls: one list, however many copies of the package are loaded. */
export const callObservers: Observers = shared[KEY];

/** Subscribes to the calls of every breaker of the process. @returns a function that ends the subscription. */
export function observeCalls(observer: CallObserver): () => void {
  callObservers.list = [...(callObservers.list ?? []), observer];
  return () => {
    const left = callObservers.list?.filter((each) => each !== observer) ?? [];
    callObservers.list = left.length === 0 ? undefined : left;
  };
}
