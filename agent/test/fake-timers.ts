import type { Timers } from '../src/link/timers.ts';
import { FakeClock } from '../src/testing.ts';

/** Timers that fire when the test moves the clock. */
export class FakeTimers extends FakeClock implements Timers {
  after(ms: number, task: () => void): () => void {
    const deadline = { dueAt: this.now() + ms, expire: task };
    this.add(deadline);
    return () => this.remove(deadline);
  }
}
