import { AsyncResource } from 'node:async_hooks';

const BEAT_MS = 100;

/** A beat that comes so much too late means that the process stood still, busy or frozen. */
const STALL_MS = 1_000;

/** The timer belongs to nobody's request, although somebody's call starts it. */
const nobody = new AsyncResource('fuseboard.heartbeat');

/** Notices when the process stands still, for as long as somebody wants to know; never keeps it alive. */
export class Heartbeat {
  readonly #read: () => number;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #until = Number.NEGATIVE_INFINITY;
  #stallEndedAt = Number.NEGATIVE_INFINITY;

  /** @param read a monotonic clock in milliseconds. */
  constructor(read: () => number) {
    this.#read = read;
  }

  /** Beats at least until then. */
  watch(until: number): void {
    if (until > this.#until) this.#until = until;
    if (this.#timer !== undefined) return;
    this.#last = this.#read();
    this.#timer = nobody.runInAsyncScope(setInterval, undefined, () => this.#beat(), BEAT_MS) as NodeJS.Timeout;
    this.#timer.unref();
  }

  /** When the process last moved on after standing still; what it does right now counts, even before the next beat. */
  stallEndedAt(): number {
    if (this.#timer !== undefined) this.#look();
    return this.#stallEndedAt;
  }

  #look(): number {
    const now = this.#read();
    if (now - this.#last > STALL_MS + BEAT_MS) this.#stallEndedAt = now;
    this.#last = now;
    return now;
  }

  #beat(): void {
    if (this.#look() < this.#until) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
