import type { Deadline, Timeouts } from '../core/timeout.ts';

/** How a wait ended: what it waited for came, its time is over, or its caller gave up. */
export type WaitEnd = 'granted' | 'over' | 'aborted';

/** A call that waits before it runs. It keeps the process alive, and ends at once when its caller gives up. */
export class QueuedWait implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  readonly ended: Promise<WaitEnd>;
  readonly #timeouts: Timeouts;
  readonly #signal: AbortSignal | undefined;
  readonly #onUngranted: (() => void) | undefined;
  readonly #onAbort = (): void => this.#end('aborted');
  #hasEnded = false;
  #resolve!: (end: WaitEnd) => void;

  /**
   * @param signal of the caller; not aborted yet.
   * @param onUngranted is called, at once, when the wait ends without what it waited for.
   */
  constructor(timeouts: Timeouts, ms: number, signal: AbortSignal | undefined, onUngranted?: () => void) {
    this.#timeouts = timeouts;
    this.#signal = signal;
    this.#onUngranted = onUngranted;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    signal?.addEventListener('abort', this.#onAbort);
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
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (end !== 'granted') this.#onUngranted?.();
    this.#resolve(end);
  }
}
