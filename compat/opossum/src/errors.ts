/** The codes of a breaker's own errors. */
export type ErrorCode = 'EOPENBREAKER' | 'ETIMEDOUT' | 'ESEMLOCKED' | 'ESHUTDOWN';

/** Marks the errors of this package for every copy of it in the process. */
const OURS = Symbol.for('fuseboard.opossum.error/1');

/** @param cause the error of the agent that this one translates. */
function ourError(message: string, code: ErrorCode, cause?: unknown): Error & { code: ErrorCode } {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.defineProperty(Object.assign(error, { code }), OURS, { value: true });
}

/** Whether this is a breaker's own error; false for what an action threw. */
export function isOurError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && OURS in error;
}

export const openBreaker = (cause?: unknown) => ourError('Breaker is open', 'EOPENBREAKER', cause);
export const semaphoreLocked = (cause?: unknown) => ourError('Semaphore locked', 'ESEMLOCKED', cause);
export const hasShutDown = () => ourError('The circuit has been shutdown.', 'ESHUTDOWN');
export const timedOut = (ms: number, cause?: unknown) => ourError(`Timed out after ${ms}ms`, 'ETIMEDOUT', cause);
