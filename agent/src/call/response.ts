interface ResponseLike {
  status?: unknown;
  headers?: { get?: unknown } | null;
  body?: { cancel?(): unknown } | null;
}

/** Whether a result looks like an HTTP response, whose body can be read once and by one caller only. */
export function isResponse(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false;
  try {
    const { status, headers } = result as ResponseLike;
    return Number.isInteger(status) && typeof headers?.get === 'function';
  } catch {
    return false;
  }
}

/** Nobody will read the body of a replaced Response; cancelled, it gives its connection back. */
export function discard(result: unknown): void {
  try {
    const { body } = result as ResponseLike;
    Promise.resolve(body?.cancel?.()).catch(() => {});
  } catch {
    // A body that cannot be cancelled is not ours to fix.
  }
}
