import { setTimeout as wait } from 'node:timers/promises';

/** Waits for `ms`, or until the signal aborts. Never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** The timers of this process. */
export const systemSleep: Sleep = (ms, signal) => wait(ms, undefined, { signal }).catch(() => {});
