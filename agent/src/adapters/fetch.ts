import type { CallContext } from '../call/context.ts';
import { type BreakerChoice, breakerChooser, IDEMPOTENCY_KEY, type RetryOptions, retryDecider } from './outgoing.ts';

export type { BreakerChoice, OutgoingRequest, RetryChoice } from './outgoing.ts';

/** Any `fetch`: that of undici, of a framework or of a test. */
// biome-ignore lint/suspicious/noExplicitAny: the types of one fetch are not those of another.
export type FetchLike = (input: any, init?: any) => Promise<any>;

export interface FetchOptions extends RetryOptions {
  /** Sends the requests. Absent: the global `fetch`, looked up at each call. */
  readonly fetch?: FetchLike | undefined;
}

/** The base for a relative path when only the sending fetch knows the real one. The breaker then sees this host. */
const UNKNOWN_BASE = 'http://localhost';

/**
 * A `fetch` that calls through a breaker. It returns the response of `fetch`, even a failing one, or its error
 * unchanged; only a call that the breaker rejects or gives up has an error of Fuseboard. The policy classifies the
 * status of a response; by default, 5xx is a failure. The call ends with the response headers. The caller's signal is
 * passed on, with the policy's time limit.
 *
 * @throws {ConfigError} when a name cannot be used.
 * @throws {TypeError} when an option cannot be used.
 */
export function breakerFetch(choice: BreakerChoice, options: FetchOptions = {}): typeof fetch {
  const choose = breakerChooser(choice);
  const mayRetry = retryDecider('breakerFetch', options, { fetch: 'function' });
  const { fetch: send } = options;
  return async (input, init) => {
    const sender: FetchLike = send ?? globalThis.fetch;
    // Not instanceof, because undici has its own Request class.
    const request = typeof input === 'object' && 'url' in input ? input : undefined;
    const url = request?.url ?? String(input);
    // The global fetch has no base. It refuses a relative path, which is no failure of a dependency.
    const base = send === undefined ? undefined : UNKNOWN_BASE;
    if (!URL.canParse(url, base)) return sender(input, init);
    const method = (init?.method ?? request?.method ?? 'GET').toUpperCase();
    const described = () => ({ url: new URL(url, base), method });
    const hasKey = () => new Headers(init?.headers ?? request?.headers).has(IDEMPOTENCY_KEY);
    const signal = init?.signal === undefined ? request?.signal : init.signal;
    const attempt = ({ signal }: CallContext): Promise<Response> => sender(input, { ...init, signal });
    const retry = mayRetry(described, method, hasKey, init?.body ?? request?.body);
    return choose(described).execute(attempt, { signal: signal ?? undefined, retry });
  };
}
