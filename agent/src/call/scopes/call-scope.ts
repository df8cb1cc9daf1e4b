import { AsyncResource } from 'node:async_hooks';
import { isTransitionObserved } from '../../errors/diagnostics.ts';

let isWanted = false;

/** From now on, work at a time limit runs in the async context of its call, because a listener may read that. */
export function wantCallScopes(): void {
  isWanted = true;
}

/** The async context of a call that begins; undefined without listeners, because it costs as much as the call. */
export function scopeOfCall(): AsyncResource | undefined {
  return isWanted || isTransitionObserved()
    ? new AsyncResource('fuseboard.call', { requireManualDestroy: true })
    : undefined;
}
