import type { AdaptiveLimitConfig } from '../config/call-config.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';

/** A call that waits for a place. Owned by the limiter between `join` and its end. */
export interface Waiter {
  previous: Waiter | null;
  next: Waiter | null;
  /** A place is free and taken for this call. Must not throw. */
  granted(): void;
}

/** How many calls may be under way and how many may wait: a bulkhead with a bounded queue, first come, first served. */
export class Limiter {
  #maxConcurrent: number;
  #maxQueue: number;
  #adaptive: AdaptiveLimit | undefined;
  #running = 0;
  #queued = 0;
  #first: Waiter | null = null;
  #last: Waiter | null = null;

  constructor(maxConcurrent: number, maxQueue: number) {
    this.#maxConcurrent = maxConcurrent;
    this.#maxQueue = maxQueue;
  }

  /** How many calls may be under way now. */
  get limit(): number {
    return this.#maxConcurrent;
  }

  /** Whether the limit follows how long calls take, so that `record` has to be called. */
  get isAdaptive(): boolean {
    return this.#adaptive !== undefined;
  }

  /** Places that are taken. */
  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Takes a place if one is free and no call waits for it. Each place that was taken must be released once. */
  take(): boolean {
    if (this.#running >= this.#maxConcurrent || this.#queued > 0) return false;
    this.#running++;
    return true;
  }

  /** Takes a place beyond the limit. */
  takeAnyway(): void {
    this.#running++;
  }

  /** Waits at the end of the queue; false when the queue is full. */
  join(waiter: Waiter): boolean {
    if (this.#queued >= this.#maxQueue) return false;
    this.#queued++;
    waiter.previous = this.#last;
    waiter.next = null;
    if (this.#last === null) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    return true;
  }

  /** Gives up waiting. Only for one that joined and was not granted a place. */
  leave(waiter: Waiter): void {
    const { previous, next } = waiter;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    waiter.previous = null;
    waiter.next = null;
    this.#queued--;
  }

  /** Gives a place back; the first in the queue gets it. */
  release(): void {
    this.#running--;
    this.#grant();
  }

  /** A call that gave its place back succeeded, or one timed out, after `ms`. */
  record(ms: number): void {
    if (this.#adaptive === undefined) return;
    this.#adaptive.record(ms, this.#running);
    this.#maxConcurrent = this.#adaptive.limit;
    this.#grant();
  }

  /** Other limits, from now on. Who runs continues and who waits stays, even where fewer would be let in now. */
  resize(maxConcurrent: number, maxQueue: number, adaptive?: AdaptiveLimitConfig): void {
    if (adaptive === undefined) this.#adaptive = undefined;
    else if (this.#adaptive === undefined) this.#adaptive = new AdaptiveLimit(adaptive);
    else this.#adaptive.configure(adaptive);
    this.#maxConcurrent = this.#adaptive?.limit ?? maxConcurrent;
    this.#maxQueue = maxQueue;
    this.#grant();
  }

  #grant(): void {
    while (this.#first !== null && this.#running < this.#maxConcurrent) {
      const waiter = this.#first;
      this.leave(waiter);
      this.#running++;
      waiter.granted();
    }
  }
}
