import type { CallObserver } from '../core/observers/call-observer.ts';

/** More than a process makes while a module is loaded. */
const MAX_CALLS = 10_000;

/** Keeps the calls that end before their observer is loaded. */
export class EarlyCalls implements CallObserver {
  readonly #calls: ((observer: CallObserver) => void)[] = [];

  settled(...call: Parameters<CallObserver['settled']>): void {
    this.#keep((observer) => observer.settled(...call));
  }

  rejected(...call: Parameters<CallObserver['rejected']>): void {
    this.#keep((observer) => observer.rejected(...call));
  }

  /** Tells an observer of all that was kept, in its order. */
  replayTo(observer: CallObserver): void {
    for (const tell of this.#calls.splice(0)) tell(observer);
  }

  #keep(tell: (observer: CallObserver) => void): void {
    if (this.#calls.length < MAX_CALLS) this.#calls.push(tell);
  }
}
