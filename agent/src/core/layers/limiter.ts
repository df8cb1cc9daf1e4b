import type { AdaptiveLimitConfig } from '../config/call-config.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';

/** A call that waits for a slot, linked into the queue of the limiter from `join` to `granted` or `leave`. */
export interface Waiter {
  previous: Waiter | null;
  next: Waiter | null;
  /** Called when the call got a slot. Must not throw. */
  granted(): void;
}

/** A limit of concurrent calls with a bounded queue, first in, first out. */
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

  /** The current maximum number of concurrent calls. */
  get limit(): number {
    return this.#maxConcurrent;
  }

  /** Whether the limit follows how long calls take, so that `record` has to be called. */
  get isAdaptive(): boolean {
    return this.#adaptive !== undefined;
  }

  /** Number of taken slots. */
  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Takes a slot if one is free and no call waits for it. Each taken slot must be released once. */
  acquire(): boolean {
    if (this.#running >= this.#maxConcurrent || this.#queued > 0) return false;
    this.#running++;
    return true;
  }

  /** Takes a slot beyond the limit. */
  acquireAnyway(): void {
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

  /** Removes a waiter from the queue. It must have joined and not been granted a slot. */
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

  /** Releases a slot; the first call in the queue gets it. */
  release(): void {
    this.#running--;
    this.#grant();
  }

  /** Records a call that succeeded or timed out after `ms`, for an adaptive limit. Call it after `release`. */
  record(ms: number): void {
    if (this.#adaptive === undefined) return;
    this.#adaptive.record(ms, this.#running);
    this.#maxConcurrent = this.#adaptive.limit;
    this.#grant();
  }

  /** Changes the limits. Running and waiting calls stay, even beyond the new limits. */
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
