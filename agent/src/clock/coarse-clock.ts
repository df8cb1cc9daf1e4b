import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';
import { type Deadline, type Timeouts, TimeoutWheel } from '../core/layers/timeout.ts';
import { detached } from './detached.ts';
import { StallDetector } from './stall-detector.ts';
import { areTimersFake, TestTimers } from './test-timers.ts';

const TICK_MS = 5;

/** Number of ticks without a reading after which the timer stops. */
const IDLE_TICKS = 20;

/** The `dueAt` of a deadline that is about to expire. */
const EXPIRED = 0;

/**
 * The clock of a process: one timer with ticks of 5 ms for all breakers. It runs only while the time is read or a call
 * has a time limit, and keeps the process alive only for deadlines of `hold`. `now` costs a comparison, and lags by at
 * most a tick plus the time that the event loop is blocked; the first reading after a stop is exact. The time is
 * rounded down to whole milliseconds, because the engine stores these in the object, and each fraction in an object of
 * its own.
 *
 * While a test tool replaces the timers, time and deadlines follow its timers. The timer is created again when
 * `setTimeout` is another function than at its creation.
 */
export class CoarseClock implements Clock, Timeouts {
  readonly #read: () => number;
  /** Whether this is the clock of the process, whose timers a test tool may replace. */
  readonly #isOfProcess: boolean;
  /** Added to each reading, so that the time does not go back when a test tool that advanced it has ended. */
  #offset = 0;
  #testTimers: TestTimers | undefined;
  /** The global `setTimeout` when the timer was created: with another one, the timer may be dead. Absent: no timer. */
  #createdUnder: typeof setTimeout | undefined;
  readonly #wheel = new TimeoutWheel(TICK_MS);
  readonly #stallDetector: StallDetector;
  /** Deadlines that keep the process alive. */
  readonly #held = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #time = 0;
  #wasRead = false;
  #idle = 0;

  /** @param read a monotonic clock in milliseconds. Absent: that of the process. */
  constructor(read?: () => number) {
    this.#read = read ?? (() => performance.now());
    this.#isOfProcess = read === undefined;
    this.#stallDetector = new StallDetector(() => this.exact());
  }

  now(): number {
    if (this.#createdUnder !== setTimeout) return this.#wake();
    this.#wasRead = true;
    return this.#time;
  }

  exact(): number {
    const now = this.#currentTestTimers()?.now() ?? Math.floor(this.#read() + this.#offset);
    if (now > this.#time) this.#time = now;
    return this.#time;
  }

  add(deadline: Deadline, ms: number): void {
    if (this.#createdUnder !== setTimeout) this.#wake();
    if (this.#testTimers === undefined) this.#wheel.add(deadline, ms);
    else this.#testTimers.add(deadline, ms);
  }

  hold(deadline: Deadline, ms: number): void {
    this.add(deadline, ms);
    this.#held.add(deadline);
    this.#timer?.ref();
  }

  remove(deadline: Deadline): void {
    this.#wheel.remove(deadline);
    this.#testTimers?.remove(deadline);
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

  /** The timers of a test tool; undefined: the real ones are in use. */
  #currentTestTimers(): TestTimers | undefined {
    const former = this.#testTimers;
    if (!this.#isOfProcess || former?.createdUnder === setTimeout) return former;
    const isFake = areTimersFake();
    if (former === undefined && !isFake) return undefined;
    this.#testTimers = isFake ? new TestTimers(this.#time || Math.floor(this.#read()), this.#read) : undefined;
    if (!isFake) this.#offset = Math.max(0, this.#time - this.#read());
    for (const [deadline, ms] of former?.removeAll() ?? []) this.add(deadline, ms);
    return this.#testTimers;
  }

  #wake(): number {
    if (this.#currentTestTimers() !== undefined) {
      this.#createdUnder = undefined;
      return this.exact();
    }
    this.#idle = 0;
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#createdUnder = setTimeout;
    this.#timer = detached(() => setInterval(() => this.#tick(), TICK_MS));
    if (this.#held.size === 0) this.#timer.unref();
    return this.exact();
  }

  #tick(): void {
    const now = this.#read() + this.#offset;
    if (this.#testTimers === undefined) this.#time = Math.floor(now);
    // Responses that arrived while the event loop was blocked are read in the poll phase, which comes before
    // immediates.
    // If deadlines expired before it, calls that ended in time would time out.
    const due = this.#wheel.removeDue(now);
    if (due.length > 0) {
      for (const deadline of due) {
        this.#release(deadline);
        deadline.dueAt = EXPIRED;
      }
      // A second immediate, because some clients pass a response on in the turn after they read it.
      setImmediate(() =>
        setImmediate(() => {
          // The deadline of a reused object may have been added again, for another call.
          for (const deadline of due) if (deadline.dueAt === EXPIRED) deadline.expire();
        }),
      );
    }
    this.#idle = this.#wasRead || this.#wheel.size > 0 ? 0 : this.#idle + 1;
    this.#wasRead = false;
    if (this.#idle >= IDLE_TICKS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#createdUnder = undefined;
    }
  }
}
