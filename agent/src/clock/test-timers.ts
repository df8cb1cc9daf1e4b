import timers from 'node:timers';
import type { Deadline } from '../core/layers/timeout.ts';

const ownDate = Date;
const probe = timers.setTimeout(() => {}, 0);
timers.clearTimeout(probe);
/** The class of Node's timers, also when a tracer wraps `setTimeout`. The timers of a test tool have another class. */
const NodeTimer = probe.constructor;
const known = new WeakMap<object, boolean>();

/** Whether a test tool (jest, vitest, sinon, node:test) has replaced the timers. */
export function areTimersFake(): boolean {
  const answer = known.get(setTimeout);
  if (answer !== undefined) return answer;
  const timer: unknown = setTimeout(() => {}, 2 ** 30);
  clearTimeout(timer as NodeJS.Timeout);
  const isFake = !(timer instanceof NodeTimer);
  known.set(setTimeout, isFake);
  return isFake;
}

/** Time and deadlines while a test tool drives the timers. */
export class TestTimers {
  /** The `setTimeout` of the test tool; one that is switched on again has another. */
  readonly createdUnder = setTimeout;
  readonly #from: number;
  readonly #base: number;
  readonly #elapsed: () => number;
  readonly #deadlines = new Map<Deadline, { readonly ms: number; readonly timer: NodeJS.Timeout }>();

  /**
   * @param base the time to continue from.
   * @param read the real clock, for a tool that leaves `Date` alone.
   */
  constructor(base: number, read: () => number) {
    this.#base = base;
    this.#elapsed = Date === ownDate ? read : () => Date.now();
    this.#from = this.#elapsed();
  }

  now(): number {
    return Math.floor(this.#base + this.#elapsed() - this.#from);
  }

  add(deadline: Deadline, ms: number): void {
    const timer = setTimeout(() => {
      this.#deadlines.delete(deadline);
      deadline.expire();
    }, ms);
    this.#deadlines.set(deadline, { ms, timer });
  }

  remove(deadline: Deadline): void {
    const found = this.#deadlines.get(deadline);
    if (found === undefined) return;
    this.#deadlines.delete(deadline);
    clearTimeout(found.timer);
  }

  /** What still waits when the tool is gone; each has its whole time before it. */
  removeAll(): [deadline: Deadline, ms: number][] {
    const all = [...this.#deadlines].map(([deadline, { ms }]): [Deadline, number] => [deadline, ms]);
    this.#deadlines.clear();
    return all;
  }
}
