/** Whether a signal aborted by a timeout (AbortSignal.timeout, also in AbortSignal.any): the dependency was slow. */
export function isTimedOut(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && nameOf(signal.reason) === 'TimeoutError';
}

/** Whether a signal aborted for any other reason, which says nothing about the dependency. */
export function isCancelled(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && !isTimedOut(signal);
}

function nameOf(reason: unknown): unknown {
  try {
    return (reason as { name?: unknown } | null | undefined)?.name;
  } catch {
    return undefined;
  }
}
