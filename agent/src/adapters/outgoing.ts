import { getBreaker } from '../agent.ts';
import type { Breaker } from '../breakers/breaker.ts';
import { checkOptions, type Fields } from '../errors/options.ts';

/** An HTTP request before it is sent. */
export interface OutgoingRequest {
  readonly url: URL;
  /** In capitals. */
  readonly method: string;
}

/**
 * The breaker of a request: a breaker, its name, or a function that returns either for each request, by host for
 * example. Names from outside are unbounded; for those, use one policy with a breaker for each key.
 */
export type BreakerChoice = Breaker | string | ((request: OutgoingRequest) => Breaker | string);

/**
 * Resolves a choice. A fixed choice is resolved at once, so that an invalid name is refused early.
 *
 * @internal
 */
export function breakerChooser<R = OutgoingRequest>(
  choice: Breaker | string | ((request: R) => Breaker | string),
): (request: () => R) => Breaker {
  if (typeof choice === 'function') return (request) => named(choice(request()));
  const breaker = named(choice);
  return () => breaker;
}

/**
 * Whether requests are retried when the policy has retries. `safe`: idempotent methods (RFC 9110, section 9.2.2: GET,
 * HEAD, OPTIONS, TRACE, PUT, DELETE), and any request with the header `Idempotency-Key`. `always`, `never`: any method.
 * A function decides for each request. A body that can be sent only once is never sent again.
 */
export type RetryChoice = 'safe' | 'always' | 'never' | ((request: OutgoingRequest) => boolean);

export interface RetryOptions {
  /** Absent: `safe`. */
  readonly retry?: RetryChoice | undefined;
}

const RETRY: Fields = {
  retry: [
    "'safe', 'always', 'never' or a function",
    (retry) => typeof retry === 'function' || ['safe', 'always', 'never'].includes(retry),
  ],
};
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * Decides whether a request may be sent again.
 *
 * @param adapter what takes the options.
 * @param others the other options that it takes.
 * @throws {TypeError} when an option is invalid.
 * @internal
 */
export function retryDecider(adapter: string, options: RetryOptions, others?: Fields) {
  checkOptions(adapter, options, { ...others, ...RETRY });
  const { retry: choice = 'safe' } = options;
  return (request: () => OutgoingRequest, method: string, hasKey: () => boolean, body: unknown): boolean => {
    if (choice === 'never' || isOneShot(body)) return false;
    if (choice === 'always') return true;
    if (choice === 'safe') return REPEATABLE.has(method) || hasKey();
    return choice(request());
  };
}

/** The header that allows the dependency to recognise a repeated request. */
export const IDEMPOTENCY_KEY = 'idempotency-key';

/** Whether a body can be sent only once: streams of both kinds, objects with only `pipe`, and iterators. */
function isOneShot(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body) || body instanceof ArrayBuffer)
    return false;
  const { pipe, getReader, next } = body as { pipe?: unknown; getReader?: unknown; next?: unknown };
  if ([pipe, getReader, next].some((method) => typeof method === 'function')) return true;
  return Symbol.asyncIterator in body;
}

function named(choice: Breaker | string): Breaker {
  if (typeof choice === 'string') return getBreaker(choice);
  if (typeof choice?.execute === 'function') return choice;
  throw new TypeError(
    `a client was given ${choice === null ? 'null' : `a value of type ${typeof choice}`} for its breaker; give a breaker, its name, or a function that gives either`,
  );
}
