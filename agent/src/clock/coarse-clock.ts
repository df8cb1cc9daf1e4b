import { AsyncResource } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';
import { type Deadline, type Timeouts, TimeoutWheel } from '../core/timeout.ts';
import { StallDetector } from './stall-detector.ts';

const TICK_MS = 5;

/** Ticks without a reading after which the timer rests. */
const IDLE_TICKS = 20;

/** The `dueAt` of a deadline that expires in this turn. */
const EXPIRED = 0;

/** The timer belongs to no request, although the call of one starts it. */
const detachedScope = new AsyncResource('fuseboard.clock');

/**
 * The clock of a process: one timer of 5 ms for all breakers, which runs only while the time is read or a call waits
 * for a time limit, and keeps the process alive only for what is held. Between ticks `now` costs a comparison and lags
 * by at most a tick and whatever keeps the event loop busy; the first reading after a rest is exact. The time is in
 * whole milliseconds, the last one that is over: the engine keeps whole numbers inside of objects, and each fraction in
 * an object of its own.
 */
export class CoarseClock implements Clock, Timeouts {
  readonly #read: () => number;
  readonly #wheel = new TimeoutWheel(TICK_MS);
  readonly #stallDetector: StallDetector;
  /** Deadlines that the process waits for. */
  readonly #held = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #time = 0;
  #wasRead = false;
  #idle = 0;

  /** @param read a monotonic clock in milliseconds. */
  constructor(read: () => number = () => performance.now()) {
    this.#read = read;
    this.#stallDetector = new StallDetector(read);
  }

  now(): number {
    if (this.#timer === undefined) return this.#wake();
    this.#wasRead = true;
    return this.#time;
  }

  exact(): number {
    this.#time = Math.floor(this.#read());
    return this.#time;
  }

  add(deadline: Deadline, ms: number): void {
    this.#wheel.add(deadline, ms);
    if (this.#timer === undefined) this.#wake();
  }

  hold(deadline: Deadline, ms: number): void {
    this.add(deadline, ms);
    this.#held.add(deadline);
    this.#timer!.ref();
  }

  remove(deadline: Deadline): void {
    this.#wheel.remove(deadline);
    if (this.#held.size > 0) this.#release(deadline);
  }

  #release(deadline: Deadline): void {
    if (this.#held.delete(deadline) && this.#held.size === 0) this.#timer?.unref();
  }

  watch(until: number): void {
    this.#stallDetector.watch(until);
  }

  stallEndedAt(): number {
    return this.#stallDetector.stallEndedAt();
  }

  #wake(): number {
    this.#idle = 0;
    this.#timer = detachedScope.runInAsyncScope(setInterval, undefined, () => this.#tick(), TICK_MS) as NodeJS.Timeout;
    this.#timer.unref();
    return this.exact();
  }

  #tick(): void {
    const now = this.#read();
    this.#time = Math.floor(now);
    // Answers that arrived while the loop was busy are read in the poll phase, which comes before an immediate runs.
    // Checked before that, calls that had ended in time would look late.
    const due = this.#wheel.takeDue(now);
    if (due.length > 0) {
      for (const deadline of due) {
        this.#release(deadline);
        deadline.dueAt = EXPIRED;
      }
      // One turn more is for clients that hand an answer on in the turn after they read it.
      setImmediate(() =>
        setImmediate(() => {
          // One that was added again in between waits for another call.
          for (const deadline of due) if (deadline.dueAt === EXPIRED) deadline.expire();
        }),
      );
    }
    this.#idle = this.#wasRead || this.#wheel.size > 0 ? 0 : this.#idle + 1;
    this.#wasRead = false;
    if (this.#idle >= IDLE_TICKS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
