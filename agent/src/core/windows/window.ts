import type { Config } from '../config/config.ts';
import { CountWindow } from './count-window.ts';
import { EwmaWindow } from './ewma-window.ts';
import { TimeWindow } from './time-window.ts';

/** The calls that the conditions of a policy are evaluated on. */
export interface Window {
  /** Calls inside the window as of the last `record` or `advance`; a fraction where calls fade. */
  readonly calls: number;
  /** How many of them failed. */
  readonly failures: number;
  /** How many of them were slow; a slow failure is both. */
  readonly slow: number;
  /** Until this time, `advance` drops nothing. */
  readonly steadyUntil: number;
  /** The same as `record(now, false, false)`; says whether no call inside failed or was slow. */
  succeed(now: number): boolean;
  record(now: number, failed: boolean, slow: boolean): void;
  /** Drops the calls that are too old at `now`. */
  advance(now: number): void;
  clear(): void;
}

/**
 * The window for a configuration. A window of the same type is resized and keeps its newest samples; another type
 * starts empty.
 */
export function windowFor(config: Config, before: Window | undefined, now: number): Window {
  if (config.windowType === 'Count') {
    if (!(before instanceof CountWindow)) return new CountWindow(config.windowSize);
    before.resize(config.windowSize);
    return before;
  }
  const Type = config.windowType === 'Time' ? TimeWindow : EwmaWindow;
  if (!(before instanceof Type)) return new Type(config.windowMs, now);
  before.resize(config.windowMs, now);
  return before;
}
