import type { Window } from '../src/core/windows/window.ts';

let turn = 0;

/**
 * Puts a call into a window: one that went well and quickly by either of the two ways that there are.
 *
 * @throws when the window says wrongly whether all that it holds went well and quickly.
 */
export function put(window: Window, now: number, failed: boolean, slow: boolean): void {
  turn++;
  if (failed || slow || turn % 3 === 0) window.record(now, failed, slow);
  else if (window.succeed(now) !== (window.failures === 0 && window.slow === 0)) throw new Error('a wrong answer');
}
