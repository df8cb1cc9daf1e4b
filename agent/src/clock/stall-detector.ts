import { detached } from './detached.ts';

const CHECK_EVERY_MS = 100;

/** A check that runs so much too late means that the process stood still, busy or frozen. */
const STALL_MS = 1_000;

/** Detects when the process was suspended or blocked, while it is asked to watch. It never keeps the process alive. */
export class StallDetector {
  readonly #read: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** The `setInterval` that made the timer: with another one, as test tools bring it, the timer may be dead. */
  #madeBy: typeof setInterval | undefined;
  #lastCheck = 0;
  #until = Number.NEGATIVE_INFINITY;
  #stallEndedAt = Number.NEGATIVE_INFINITY;

  /** @param read a monotonic clock in milliseconds. */
  constructor(read: () => number) {
    this.#read = read;
  }

  /** Checks at least until then. */
  watch(until: number): void {
    if (until > this.#until) this.#until = until;
    if (this.#madeBy === setInterval) return;
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#madeBy = setInterval;
    this.#lastCheck = this.#read();
    this.#timer = detached(() => setInterval(() => this.#check(), CHECK_EVERY_MS));
    this.#timer.unref();
  }

  /** When the process last moved on after standing still; what it does right now counts, even before the next check. */
  stallEndedAt(): number {
    if (this.#madeBy === setInterval) this.#detect();
    return this.#stallEndedAt;
  }

  #detect(): number {
    const now = this.#read();
    if (now - this.#lastCheck > STALL_MS + CHECK_EVERY_MS) this.#stallEndedAt = now;
    this.#lastCheck = now;
    return now;
  }

  #check(): void {
    if (this.#detect() < this.#until) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#madeBy = undefined;
  }
}
