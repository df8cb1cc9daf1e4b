import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { CallContext } from '../call/context.ts';
import { FollowingSignal } from '../call/signals/followed-signal.ts';
import { type BreakerChoice, breakerChooser, IDEMPOTENCY_KEY, type RetryOptions, retryDecider } from './outgoing.ts';

export type { BreakerChoice, OutgoingRequest, RetryChoice } from './outgoing.ts';

/**
 * An axios adapter that calls through a breaker: `axios.create({ adapter: breakerAdapter('payments',
 * axios.getAdapter('http')) })`. It passes on the response or error of axios unchanged; only a rejected call, or one
 * that timed out, has an error of Fuseboard. An error with a response is classified by its status.
 *
 * @param adapter sends the requests.
 * @throws {ConfigError} when a name cannot be used.
 * @throws {TypeError} when there is no such adapter, or an option cannot be used.
 */
export function breakerAdapter(choice: BreakerChoice, adapter: AxiosAdapter, options: RetryOptions = {}): AxiosAdapter {
  const choose = breakerChooser(choice);
  const mayRetry = retryDecider('breakerAdapter', options);
  if (typeof adapter !== 'function' || 'interceptors' in adapter) {
    throw new TypeError("breakerAdapter needs the adapter that sends the requests, such as axios.getAdapter('http')");
  }
  return async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
    const method = (config.method ?? 'get').toUpperCase();
    const request = () => ({ url: target(config), method });
    const cancellation = cancellationOf(config);
    const callerSignal = config.signal as AbortSignal | undefined;
    const both = cancellation && new FollowingSignal(callerSignal, cancellation.signal);
    const signal = both?.signal ?? callerSignal;
    const attempt = ({ signal }: CallContext) => adapter({ ...config, signal });
    const retry = mayRetry(request, method, () => config.headers?.get(IDEMPOTENCY_KEY) != null, config.data);
    try {
      return await choose(request).execute(attempt, { signal, retry });
    } finally {
      both?.release(callerSignal);
      cancellation?.end();
    }
  };
}

function target({ baseURL, url = '' }: InternalAxiosRequestConfig): URL {
  if (URL.canParse(url)) return new URL(url);
  const joined = baseURL === undefined ? url : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
  return new URL(joined, 'http://localhost');
}

/** The older of axios's two ways to cancel a request. */
function cancellationOf({ cancelToken }: InternalAxiosRequestConfig) {
  if (cancelToken === undefined) return undefined;
  const controller = new AbortController();
  const cancel = (reason: unknown) => controller.abort(reason);
  cancelToken.subscribe(cancel);
  return { signal: controller.signal, end: () => cancelToken.unsubscribe(cancel) };
}
