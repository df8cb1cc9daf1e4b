import type { Deadline, Timeouts } from '../core/timeout.ts';

/** How a wait ended: what it waited for came, its time is over, or its caller gave up. */
export type WaitEnd = 'granted' | 'over' | 'aborted';

/** A call that waits before it runs. It keeps the process alive, and ends at once when its caller gives up. */
export class Wait implements Deadline {
  dueAt = 0;
  previous: Deadline | null = null;
  next: Deadline | null = null;
  readonly ended: Promise<WaitEnd>;
  readonly #timeouts: Timeouts;
  readonly #signal: AbortSignal | undefined;
  readonly #left: (() => void) | undefined;
  readonly #aborted = (): void => this.#end('aborted');
  #over = false;
  #resolve!: (end: WaitEnd) => void;

  /**
   * @param signal of the caller; not aborted yet.
   * @param left is called, at once, when the wait ends without what it waited for.
   */
  constructor(timeouts: Timeouts, ms: number, signal: AbortSignal | undefined, left?: () => void) {
    this.#timeouts = timeouts;
    this.#signal = signal;
    this.#left = left;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    signal?.addEventListener('abort', this.#aborted);
    timeouts.hold(this, ms);
  }

  expire(): void {
    this.#end('over');
  }

  granted(): void {
    this.#end('granted');
  }

  #end(end: WaitEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#timeouts.remove(this);
    this.#signal?.removeEventListener('abort', this.#aborted);
    if (end !== 'granted') this.#left?.();
    this.#resolve(end);
  }
}
