interface ResponseLike {
  status?: unknown;
  statusCode?: unknown;
  headers?: { get?: unknown } | null;
}

interface BodyLike {
  cancel?(): unknown;
  dump?(): unknown;
  pipe?: unknown;
  destroy?(): unknown;
  on?(event: 'error', listener: () => void): unknown;
}

interface WithBody extends BodyLike {
  body?: BodyLike | null;
  data?: BodyLike | null;
}

/** Whether a result looks like an HTTP response, whose body can be read once and by one caller only. */
export function isResponse(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false;
  try {
    const { status, statusCode, headers } = result as ResponseLike;
    if (typeof headers !== 'object' || headers === null) return false;
    return Number.isInteger(statusCode) || (Number.isInteger(status) && typeof headers.get === 'function');
  } catch {
    return false;
  }
}

/**
 * Discards the body of a response that was replaced or came too late, which frees its connection. The body is that of a
 * Response, of undici's `request`, the stream of axios, or the message of `node:http` itself. Any other value is left
 * alone.
 */
export function discard(result: unknown): void {
  if (!isResponse(result)) return;
  try {
    const { body, data } = result as WithBody;
    for (const each of [body, data, result as BodyLike]) if (discardBody(each)) return;
  } catch {
    // The call continues even when the body cannot be cancelled.
  }
}

/** Discards the body of the response in an error, as axios, got and ky throw it. */
export function discardResponseOf(error: unknown): void {
  if (typeof error !== 'object' || error === null) return;
  try {
    discard((error as { response?: unknown }).response);
  } catch {
    // Reading the property threw, so there is no response to discard.
  }
}

function discardBody(body: BodyLike | null | undefined): boolean {
  if (typeof body !== 'object' || body === null) return false;
  if (typeof body.cancel === 'function') ignoreRejection(body.cancel());
  else if (typeof body.dump === 'function') ignoreRejection(body.dump());
  else if (typeof body.pipe === 'function' && typeof body.destroy === 'function') {
    body.on?.('error', () => {});
    body.destroy();
  } else return false;
  return true;
}

function ignoreRejection(promise: unknown): void {
  Promise.resolve(promise).catch(() => {});
}
