import { AsyncResource } from 'node:async_hooks';

const scope = new AsyncResource('fuseboard', { requireManualDestroy: true });

/**
 * Runs what works for the whole process and is set off by one request: what it starts, timers and connections too, sees
 * no AsyncLocalStorage of that request and lands in no trace of it.
 */
export function detached<T>(task: () => T): T {
  return scope.runInAsyncScope(task);
}
