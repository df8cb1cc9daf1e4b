import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { CallContext } from '../call/context.ts';
import { type BreakerChoice, breakerChooser, isOneShot, once } from './outgoing.ts';

export type { BreakerChoice, OutgoingRequest } from './outgoing.ts';

/**
 * An axios adapter that goes through a breaker: `axios.create({ adapter: breakerAdapter('payments',
 * axios.getAdapter('http')) })`. What axios gives stays what the caller gets, its response or its very error; only a
 * call that was not made, or was given up, is rejected with an error of Fuseboard. An error with a response counts by
 * its status, as a response does.
 *
 * @param adapter what sends the requests.
 * @throws {ConfigError} when a name cannot be used.
 */
export function breakerAdapter(choice: BreakerChoice, adapter: AxiosAdapter): AxiosAdapter {
  const choose = breakerChooser(choice);
  return async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
    const breaker = choose(() => ({ url: target(config), method: (config.method ?? 'get').toUpperCase() }));
    const cancellation = cancellationOf(config);
    const signal = combinedSignal(config.signal, cancellation?.signal);
    const attempt = ({ signal }: CallContext) => adapter({ ...config, signal });
    try {
      return await breaker.execute(isOneShot(config.data) ? once(attempt) : attempt, signal && { signal });
    } finally {
      cancellation?.end();
    }
  };
}

function target({ baseURL, url = '' }: InternalAxiosRequestConfig): URL {
  if (URL.canParse(url)) return new URL(url);
  const joined = baseURL === undefined ? url : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
  return new URL(joined, 'http://localhost');
}

/** The older of the two ways in which a caller of axios can give up. */
function cancellationOf({ cancelToken }: InternalAxiosRequestConfig) {
  if (cancelToken === undefined) return undefined;
  const controller = new AbortController();
  const cancel = (reason: unknown) => controller.abort(reason);
  cancelToken.subscribe(cancel);
  return { signal: controller.signal, end: () => cancelToken.unsubscribe(cancel) };
}

function combinedSignal(
  signal: InternalAxiosRequestConfig['signal'],
  cancelled: AbortSignal | undefined,
): AbortSignal | undefined {
  if (signal === undefined || cancelled === undefined) return (signal as AbortSignal | undefined) ?? cancelled;
  return AbortSignal.any([signal as AbortSignal, cancelled]);
}
