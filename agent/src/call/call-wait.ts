import type { Deadline, Timeouts } from '../core/guards/timeout.ts';
import { onAbort } from './signals/followed-signal.ts';

/** How a wait ended: what it waited for came, its time is over, or its caller gave up. */
export type WaitEnd = 'granted' | 'over' | 'aborted';

/**
 * A call that waits for a slot, or before a retry. It keeps the process alive, and ends at once when its caller gives
 * up.
 */
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
   * @param onUngranted is called, at once, when the wait ends without what it waited for.
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
    this.#end('over');
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
