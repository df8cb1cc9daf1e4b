import { AsyncResource } from 'node:async_hooks';
import { isTransitionObserved } from '../../errors/diagnostics.ts';

let isWanted = false;

/**
 * From now on, what a time limit brings about happens in the context of its call: somebody listens who may look at it.
 */
export function wantCallScopes(): void {
  isWanted = true;
}

/**
 * The context of the call that begins now; absent while nobody would look at it, because it costs as much as the call.
 */
export function scopeOfCall(): AsyncResource | undefined {
  return isWanted || isTransitionObserved()
    ? new AsyncResource('fuseboard.call', { requireManualDestroy: true })
    : undefined;
}
