/**
 * Loaded before anything else of a process (`--import`), it makes the time of that process run faster, so that every
 * wait of the real code becomes shorter in the same proportion, and sets its wall clock wrong. `process.hrtime` stays
 * true.
 *
 * CLOCK_SPEED: how many times as fast; absent: 1. CLOCK_WALL_SHIFT_MS: how far the wall clock is off; absent: 0.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

const speed = Number(process.env.CLOCK_SPEED ?? 1);
const shiftMs = Number(process.env.CLOCK_WALL_SHIFT_MS ?? 0);

if (speed !== 1) {
  const now = performance.now.bind(performance);
  const origin = now();
  performance.now = () => origin + (now() - origin) * speed;

  type Timer = (task: () => void, ms?: number, ...rest: unknown[]) => NodeJS.Timeout;
  const quicker = <F>(original: F): F =>
    Object.defineProperties(
      ((task, ms = 0, ...rest) => (original as Timer)(task, ms / speed, ...rest)) satisfies Timer,
      Object.getOwnPropertyDescriptors(original),
    ) as F;
  globalThis.setTimeout = quicker(setTimeout);
  globalThis.setInterval = quicker(setInterval);

  const sleep = timers.setTimeout;
  timers.setTimeout = ((ms = 0, ...rest: []) => sleep(ms / speed, ...rest)) as typeof sleep;
  syncBuiltinESMExports();
}

if (shiftMs !== 0) {
  const TrueDate = Date;
  globalThis.Date = class extends TrueDate {
    constructor(...args: []) {
      if (args.length === 0) super(TrueDate.now() + shiftMs);
      else super(...args);
    }
    static override now(): number {
      return TrueDate.now() + shiftMs;
    }
  } as DateConstructor;
}
