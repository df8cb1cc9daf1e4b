import type { CallObserver } from '../../core/observers/call-observer.ts';

/** Above the number of calls during the loading of a module. */
const MAX_CALLS = 10_000;

/** Stores calls that end before their observer is loaded. */
export class EarlyCalls implements CallObserver {
  readonly #calls: ((observer: CallObserver) => void)[] = [];

  settled(...call: Parameters<CallObserver['settled']>): void {
    this.#keep((observer) => observer.settled(...call));
  }

  rejected(...call: Parameters<CallObserver['rejected']>): void {
    this.#keep((observer) => observer.rejected(...call));
  }

  /** Passes the stored calls to an observer, in order. */
  replayTo(observer: CallObserver): void {
    for (const tell of this.#calls.splice(0)) tell(observer);
  }

  #keep(tell: (observer: CallObserver) => void): void {
    if (this.#calls.length < MAX_CALLS) this.#calls.push(tell);
  }
}
