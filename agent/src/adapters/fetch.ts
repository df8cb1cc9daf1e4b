import type { CallContext } from '../call/context.ts';
import { type BreakerChoice, breakerChooser, isOneShot, once } from './outgoing.ts';

export type { BreakerChoice, OutgoingRequest } from './outgoing.ts';

export interface FetchOptions {
  /** What sends the requests. Absent: the global `fetch`, looked up at each call. */
  readonly fetch?: typeof fetch;
}

/**
 * A `fetch` that goes through a breaker. What comes back is fetch's own: the response, a failing one too, or its very
 * error; only a call that was not made, or was given up, is rejected with an error of Fuseboard. A response counts by
 * its status as the policy says, 5xx fails where it says nothing, and the call ends with the headers of the response.
 * The caller's signal is passed on, together with the time limit of the policy.
 *
 * @throws {ConfigError} when a name cannot be used.
 */
export function breakerFetch(choice: BreakerChoice, { fetch: send }: FetchOptions = {}): typeof fetch {
  const choose = breakerChooser(choice);
  return async (input, init) => {
    const sender = send ?? globalThis.fetch;
    // Not instanceof: the Request of undici is another class.
    const request = typeof input === 'object' && 'url' in input ? input : undefined;
    const url = request?.url ?? String(input);
    if (!URL.canParse(url)) return sender(input, init);
    const method = () => (init?.method ?? request?.method ?? 'GET').toUpperCase();
    const breaker = choose(() => ({ url: new URL(url), method: method() }));
    const signal = init?.signal === undefined ? request?.signal : init.signal;
    const attempt = ({ signal }: CallContext) => sender(input, { ...init, signal });
    const options = signal ? { signal } : undefined;
    if (!isOneShot(init?.body ?? request?.body)) return breaker.execute(attempt, options);
    const { response } = await breaker.execute(once(withoutBody(attempt)), options);
    return response;
  };
}

/** The body of a response that comes of every attempt must not be thrown away between them. */
function withoutBody(attempt: (context: CallContext) => Promise<Response>) {
  return async (context: CallContext) => {
    const response = await attempt(context);
    return { status: response.status, headers: response.headers, response };
  };
}
