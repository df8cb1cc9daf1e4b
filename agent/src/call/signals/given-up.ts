/**
 * Whether a signal aborted because a time was over (AbortSignal.timeout), by itself or inside of AbortSignal.any: the
 * other side was too slow.
 */
export function isTimedOut(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && nameOf(signal.reason) === 'TimeoutError';
}

/**
 * Whether a signal aborted because its owner does not want the answer any more, which says nothing about the other
 * side.
 */
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
