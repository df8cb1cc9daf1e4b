import type { Timers } from '../src/link/timers.ts';
import { FakeClock } from '../src/testing/testing.ts';

/** Timers that fire when the test moves the clock. */
export class FakeTimers extends FakeClock implements Timers {
  readonly #due = new Set<number>();

  after(ms: number, task: () => void): () => void {
    const dueAt = this.now() + ms;
    const expire = () => {
      this.#due.delete(dueAt);
      task();
    };
    const deadline = { dueAt: 0, expire, previous: null, next: null };
    this.add(deadline, ms);
    this.#due.add(dueAt);
    return () => {
      this.remove(deadline);
      this.#due.delete(dueAt);
    };
  }

  /** Whether something is due in exactly `ms`. */
  waiting(ms: number): boolean {
    return this.#due.has(this.now() + ms);
  }
}
