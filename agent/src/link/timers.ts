import { performance } from 'node:perf_hooks';
import { detached } from '../clock/detached.ts';
import type { Clock } from '../core/clock.ts';

/** Monotonic time, and timers that do not keep the process alive. */
export interface Timers extends Clock {
  /** Runs `task` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** The timers of this process. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = detached(() => setTimeout(task, ms)).unref();
    return () => clearTimeout(timer);
  },
};
