import { detached } from './detached.ts';

const CHECK_EVERY_MS = 100;

/** A check that is later than this means that the process was suspended or its event loop blocked. */
const STALL_MS = 1_000;

/** Detects when the process was suspended or blocked, while it is asked to watch. It never keeps the process alive. */
export class StallDetector {
  readonly #read: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** The global `setInterval` that created the timer: with another one, as of a test tool, the timer may be dead. */
  #createdBy: typeof setInterval | undefined;
  #lastCheck = 0;
  #until = Number.NEGATIVE_INFINITY;
  #stallEndedAt = Number.NEGATIVE_INFINITY;

  /** @param read a monotonic clock in milliseconds. */
  constructor(read: () => number) {
    this.#read = read;
  }

  /** Detects stalls at least until this time. */
  watch(until: number): void {
    if (until > this.#until) this.#until = until;
    if (this.#createdBy === setInterval) return;
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#createdBy = setInterval;
    this.#lastCheck = this.#read();
    this.#timer = detached(() => setInterval(() => this.#check(), CHECK_EVERY_MS));
    this.#timer.unref();
  }

  /** The end of the last stall. A stall that ended just now counts before the next check. */
  stallEndedAt(): number {
    if (this.#createdBy === setInterval) this.#detect();
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
    this.#createdBy = undefined;
  }
}
