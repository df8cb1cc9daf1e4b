import { AsyncResource } from 'node:async_hooks';

export type Timer = ReturnType<typeof setTimeout>;

/** A timer belongs to a breaker, so it must not keep the async context of the request that started it. */
const nobody = new AsyncResource('fuseboard.opossum');

/** The longest delay that a timer of Node's can have; a longer one would end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Runs a task later; never keeps the process alive. */
export function startTimer(task: () => void, ms: number): Timer {
  return nobody.runInAsyncScope(setTimeout, undefined, task, Math.min(ms, LONGEST_MS)).unref() as Timer;
}

/** Runs a task again and again; never keeps the process alive. */
export function startInterval(task: () => void, ms: number): Timer {
  return nobody.runInAsyncScope(setInterval, undefined, task, Math.min(ms, LONGEST_MS)).unref() as Timer;
}
