import { getBreaker } from '../agent.ts';
import type { Breaker } from '../breakers/breaker.ts';
import type { Call, CallContext } from '../call/context.ts';

/** What is known of an HTTP request before it is sent. */
export interface OutgoingRequest {
  readonly url: URL;
  /** In capitals. */
  readonly method: string;
}

/**
 * The breaker of a request: a breaker, the name of one, or a function that gives either for each request, by host for
 * example. Names that come from outside grow without bound; give those a breaker for each key of one policy instead.
 */
export type BreakerChoice = Breaker | string | ((request: OutgoingRequest) => Breaker | string);

/**
 * Resolves a choice; a fixed one at once, so that a name that cannot be used is refused where it is written.
 *
 * @internal
 */
export function breakerChooser(choice: BreakerChoice): (request: () => OutgoingRequest) => Breaker {
  if (typeof choice === 'function') return (request) => named(choice(request()));
  const breaker = named(choice);
  return () => breaker;
}

/**
 * A request whose body can be read only once is sent once: further attempts of a retry end as the first one did.
 *
 * @internal
 */
export function once<T>(send: (context: CallContext) => Promise<T>): Call<T> {
  let first: Promise<T> | undefined;
  return (context) => {
    first ??= send(context);
    return first;
  };
}

/**
 * Whether a body is used up by sending it.
 *
 * @internal
 */
export function isOneShot(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body) || body instanceof ArrayBuffer)
    return false;
  if (body instanceof ReadableStream) return true;
  return Symbol.asyncIterator in body || typeof (body as { next?: unknown }).next === 'function';
}

function named(choice: Breaker | string): Breaker {
  return typeof choice === 'string' ? getBreaker(choice) : choice;
}
