import type { Deadline, Timeouts } from '../core/layers/timeout.ts';
import { onAbort } from './signals/followed-signal.ts';

/** How a wait ended: with a slot, after its time, or because the caller aborted. */
export type WaitEnd = 'granted' | 'elapsed' | 'aborted';

/** The wait of a call, for a slot or before a retry. It keeps the process alive, and ends when the caller aborts. */
export class CallWait implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  readonly ended: Promise<WaitEnd>;
  readonly #timeouts: Timeouts;
  readonly #onUngranted: (() => void) | undefined;
  readonly #leaveSignal: (() => void) | undefined;
  #hasEnded = false;
  #resolve!: (end: WaitEnd) => void;

  /**
   * @param signal of the caller; not aborted yet.
   * @param onUngranted called at once when the wait ends without a slot.
   */
  constructor(timeouts: Timeouts, ms: number, signal: AbortSignal | undefined, onUngranted?: () => void) {
    this.#timeouts = timeouts;
    this.#onUngranted = onUngranted;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#leaveSignal = signal === undefined ? undefined : onAbort(signal, () => this.#end('aborted'));
    timeouts.hold(this, ms);
  }

  expire(): void {
    this.#end('elapsed');
  }

  granted(): void {
    this.#end('granted');
  }

  #end(end: WaitEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#timeouts.remove(this);
    this.#leaveSignal?.();
    if (end !== 'granted') this.#onUngranted?.();
    this.#resolve(end);
  }
}
