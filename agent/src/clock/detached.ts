import { AsyncResource } from 'node:async_hooks';

const scope = new AsyncResource('fuseboard', { requireManualDestroy: true });

/**
 * Runs work for the whole process that one request happens to start. Its timers and connections then see no
 * AsyncLocalStorage of that request, and belong to no trace of it.
 */
export function detached<T>(task: () => T): T {
  return scope.runInAsyncScope(task);
}
