import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { CallContext } from './execute.ts';
import { type BreakerChoice, breakerChooser, isOneShot, once } from './outgoing.ts';

export type { BreakerChoice, OutgoingRequest } from './outgoing.ts';

/**
 * An axios adapter that goes through a breaker: `axios.create({ adapter: breakerAdapter('payments', axios.getAdapter('http')) })`.
 * What axios gives stays what the caller gets, its response or its very error; only a call that was not made, or was given
 * up, is rejected with an error of Fuseboard. An error with a response counts by its status, as a response does.
 *
 * @param adapter what sends the requests.
 * @throws {ConfigError} when a name cannot be used.
 */
export function breakerAdapter(choice: BreakerChoice, adapter: AxiosAdapter): AxiosAdapter {
  const choose = breakerChooser(choice);
  return async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
    const breaker = choose(() => ({ url: target(config), method: (config.method ?? 'get').toUpperCase() }));
    const signal = callersSignal(config);
    const attempt = ({ signal }: CallContext) => adapter({ ...config, signal });
    return breaker.execute(isOneShot(config.data) ? once(attempt) : attempt, signal && { signal });
  };
}

function target({ baseURL, url = '' }: InternalAxiosRequestConfig): URL {
  if (URL.canParse(url)) return new URL(url);
  const joined = baseURL === undefined ? url : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
  return new URL(joined, 'http://localhost');
}

/** The two ways in which a caller of axios can give up, as one. */
function callersSignal({ signal, cancelToken }: InternalAxiosRequestConfig): AbortSignal | undefined {
  const given = signal as AbortSignal | undefined;
  if (cancelToken === undefined) return given;
  const controller = new AbortController();
  cancelToken.promise.then((reason) => controller.abort(reason));
  if (cancelToken.reason !== undefined) controller.abort(cancelToken.reason);
  return given === undefined ? controller.signal : AbortSignal.any([given, controller.signal]);
}
