import type { Window } from '../src/core/windows/window.ts';

let turn = 0;

/** Puts a call into a window: one that went well and quickly by either of the two ways that there are. */
export function put(window: Window, now: number, failed: boolean, slow: boolean): void {
  turn++;
  if (!failed && !slow && turn % 3 !== 0) window.succeed(now);
  else window.record(now, failed, slow);
}
