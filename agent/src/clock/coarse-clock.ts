import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';
import { type Deadline, type Timeouts, TimeoutWheel } from '../core/guards/timeout.ts';
import { detached } from './detached.ts';
import { StallDetector } from './stall-detector.ts';
import { areTimersFake, TestTimers } from './test-timers.ts';

const TICK_MS = 5;

/** Ticks without a reading after which the timer rests. */
const IDLE_TICKS = 20;

/** The `dueAt` of a deadline that expires in this turn. */
const EXPIRED = 0;

/**
 * The clock of a process: one timer of 5 ms for all breakers, which runs only while the time is read or a call waits
 * for a time limit, and keeps the process alive only for what is held. Between ticks `now` costs a comparison and lags
 * by at most a tick and whatever keeps the event loop busy; the first reading after a rest is exact. The time is in
 * whole milliseconds, the last one that is over: the engine keeps whole numbers inside of objects, and each fraction in
 * an object of its own.
 *
 * Where a test tool has put timers of its own in the place of the real ones, time and deadlines follow these; a timer
 * that was made before or while it did so is noticed, and another made.
 */
export class CoarseClock implements Clock, Timeouts {
  readonly #read: () => number;
  /** Whether time is that of the process, which a test tool may drive. */
  readonly #isOfProcess: boolean;
  /** Added to what is read, so that time does not go back when a test tool that moved it is gone. */
  #offset = 0;
  #testTimers: TestTimers | undefined;
  /**
   * The `setTimeout` that was there when the timer was made: with another one, it may be dead. Absent: the timer rests.
   */
  #madeUnder: typeof setTimeout | undefined;
  readonly #wheel = new TimeoutWheel(TICK_MS);
  readonly #stallDetector: StallDetector;
  /** Deadlines that the process waits for. */
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
    if (this.#madeUnder !== setTimeout) return this.#wake();
    this.#wasRead = true;
    return this.#time;
  }

  exact(): number {
    const now = this.#currentTestTimers()?.now() ?? Math.floor(this.#read() + this.#offset);
    if (now > this.#time) this.#time = now;
    return this.#time;
  }

  add(deadline: Deadline, ms: number): void {
    if (this.#madeUnder !== setTimeout) this.#wake();
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

  /** The timers of a test tool, if one drives them now. */
  #currentTestTimers(): TestTimers | undefined {
    const former = this.#testTimers;
    if (!this.#isOfProcess || former?.madeOf === setTimeout) return former;
    const isFake = areTimersFake();
    if (former === undefined && !isFake) return undefined;
    this.#testTimers = isFake ? new TestTimers(this.#time || Math.floor(this.#read()), this.#read) : undefined;
    if (!isFake) this.#offset = Math.max(0, this.#time - this.#read());
    for (const [deadline, ms] of former?.takeAll() ?? []) this.add(deadline, ms);
    return this.#testTimers;
  }

  #wake(): number {
    if (this.#currentTestTimers() !== undefined) {
      this.#madeUnder = undefined;
      return this.exact();
    }
    this.#idle = 0;
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#madeUnder = setTimeout;
    this.#timer = detached(() => setInterval(() => this.#tick(), TICK_MS));
    if (this.#held.size === 0) this.#timer.unref();
    return this.exact();
  }

  #tick(): void {
    const now = this.#read() + this.#offset;
    if (this.#testTimers === undefined) this.#time = Math.floor(now);
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
      this.#madeUnder = undefined;
    }
  }
}
