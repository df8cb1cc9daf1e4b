import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Breaker } from '../breakers/breaker.ts';
import type { CallContext } from '../call/context.ts';
import { type BreakerChoice, breakerChooser, IDEMPOTENCY_KEY, type RetryOptions, retryDecider } from './outgoing.ts';

export type { BreakerChoice, OutgoingRequest, RetryChoice } from './outgoing.ts';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;

/**
 * An interceptor of undici 7 and later: `new Agent().compose(breakerInterceptor('payments'))`. The policy classifies
 * the status of a response, and the call ends with the response headers. A call that the breaker rejects or gives up
 * fails with an error of Fuseboard; any other error is undici's.
 *
 * A function as `choice` needs requests that name their origin, as those of an `Agent` do.
 *
 * @throws {ConfigError} when a name cannot be used.
 * @throws {TypeError} when an option cannot be used.
 */
export function breakerInterceptor(
  choice: BreakerChoice,
  retryOptions: RetryOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const choose = breakerChooser(choice);
  const mayRetry = retryDecider('breakerInterceptor', retryOptions);
  return (dispatch) => (options, handler) => {
    // undici itself refuses a handler of its older interface, such as the fetch of a Node.js with an older undici.
    if (handler.onRequestStart === undefined) return dispatch(options, handler);
    const request = () => ({ url: new URL(options.path, options.origin), method: options.method });
    let breaker: Breaker;
    try {
      breaker = choose(request);
    } catch (error) {
      handler.onResponseError?.(null as unknown as Controller, error as Error);
      return true;
    }
    const { method, headers, body } = options;
    const hasKey = () => hasIdempotencyKey(headers);
    return new Exchange(dispatch, options, handler).run(breaker, mayRetry(request, method, hasKey, body));
  };
}

/** The response that a breaker classifies and a retry discards. */
interface ResponseHead {
  readonly attempt: Attempt;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: { cancel(): void };
}

/** Headers in any form of undici: a list of names and values, pairs, or an object. */
function hasIdempotencyKey(headers: Dispatcher.DispatchOptions['headers']): boolean {
  const isKey = (name: unknown) => String(name).toLowerCase() === IDEMPOTENCY_KEY;
  if (headers === undefined || headers === null) return false;
  if (Array.isArray(headers)) return headers.some((name, i) => i % 2 === 0 && isKey(name));
  if (Symbol.iterator in headers) return [...headers].some(([name]) => isKey(name));
  return Object.keys(headers).some(isKey);
}

/** One request of the caller, with all attempts of the breaker. */
class Exchange {
  readonly #dispatch: Dispatcher['dispatch'];
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: Handler;
  readonly #caller = new AbortController();
  #writable = true;

  constructor(dispatch: Dispatcher['dispatch'], options: Dispatcher.DispatchOptions, handler: Handler) {
    this.#dispatch = dispatch;
    this.#options = options;
    this.#handler = handler;
  }

  /** @returns whether the dispatcher accepts more requests. */
  run(breaker: Breaker, retry: boolean): boolean {
    let last: Attempt | undefined;
    const send = ({ signal }: CallContext) =>
      new Promise<ResponseHead>((resolve, reject) => {
        last?.discard();
        last = new Attempt(this.#handler, this.#caller, signal, resolve, reject);
        this.#writable = this.#dispatch(this.#options, last);
      });
    breaker.execute(send, { signal: this.#caller.signal, retry }).then(
      ({ attempt }) => attempt.release(),
      (error) => {
        last?.discard();
        this.#handler.onResponseError?.((last?.controller ?? null) as Controller, error);
      },
    );
    return this.#writable;
  }
}

/** One attempt. It holds back its response until the breaker has decided that the caller gets this one. */
class Attempt implements Handler {
  controller: CallerController | undefined;
  readonly #handler: Handler;
  readonly #caller: AbortController;
  readonly #signal: AbortSignal;
  readonly #resolve: (head: ResponseHead) => void;
  readonly #reject: (error: unknown) => void;
  readonly #abort = () => this.controller?.inner.abort(this.#signal.reason);
  #phase: 'sent' | 'held' | 'released' | 'discarded' = 'sent';
  /** Events that arrived while the response was held back. */
  readonly #arrived: (() => void)[] = [];

  constructor(
    handler: Handler,
    caller: AbortController,
    signal: AbortSignal,
    resolve: (head: ResponseHead) => void,
    reject: (error: unknown) => void,
  ) {
    this.#handler = handler;
    this.#caller = caller;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.controller = new CallerController(controller, this.#caller);
    if (this.#signal.aborted) this.#abort();
    else if (this.#phase === 'sent') this.#handler.onRequestStart?.(this.controller, context);
  }

  onRequestUpgrade(_controller: Controller, status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    this.#phase = 'released';
    this.#resolve(this.#head(status, headers));
    this.#handler.onRequestUpgrade?.(this.controller!, status, headers, socket);
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, message?: string): void {
    const deliver = () => this.#handler.onResponseStart?.(this.controller!, status, headers, message);
    if (status < 200) {
      deliver();
      return;
    }
    this.#phase = 'held';
    this.#arrived.push(deliver);
    controller.pause();
    this.#resolve(this.#head(status, headers));
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#pass(() => this.#handler.onResponseData?.(this.controller!, chunk));
  }

  onResponseEnd(_controller: Controller, trailers: IncomingHttpHeaders): void {
    this.#pass(() => this.#handler.onResponseEnd?.(this.controller!, trailers));
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#signal.removeEventListener('abort', this.#abort);
    // An abandoned attempt counts for the concurrency limit until it has ended.
    this.#reject(error);
    this.#pass(() => this.#handler.onResponseError?.(this.controller!, error));
  }

  /** Passes the response to the caller. */
  release(): void {
    if (this.#phase !== 'held') return;
    this.#phase = 'released';
    this.#signal.removeEventListener('abort', this.#abort);
    for (const deliver of this.#arrived.splice(0)) deliver();
    if (this.controller?.paused === false) this.controller.inner.resume();
  }

  /** Discards the response. */
  discard(): void {
    if (this.#phase === 'held') this.controller?.inner.abort(new Error('another attempt took the place of this one'));
    this.#phase = 'discarded';
    this.#arrived.length = 0;
  }

  #pass(deliver: () => void): void {
    if (this.#phase === 'released') deliver();
    else if (this.#phase === 'held') this.#arrived.push(deliver);
  }

  #head(status: number, headers: IncomingHttpHeaders): ResponseHead {
    const get = (name: string) => headers[name.toLowerCase()]?.toString() ?? null;
    return { attempt: this, status, headers: { get }, body: { cancel: () => this.discard() } };
  }
}

/** Controls the caller's request. It notifies the breaker when the caller aborts the request. */
class CallerController implements Controller {
  readonly inner: Controller;
  readonly #caller: AbortController;
  /** The state requested by the caller. While a response is held back, the request is paused in any case. */
  paused = false;

  constructor(inner: Controller, caller: AbortController) {
    this.inner = inner;
    this.#caller = caller;
  }

  get aborted(): boolean {
    return this.inner.aborted;
  }

  get reason(): Error | null {
    return this.inner.reason;
  }

  get rawHeaders() {
    return this.inner.rawHeaders;
  }

  get rawTrailers() {
    return this.inner.rawTrailers;
  }

  abort(reason: Error): void {
    this.#caller.abort(reason);
    this.inner.abort(reason);
  }

  pause(): void {
    this.paused = true;
    this.inner.pause();
  }

  resume(): void {
    this.paused = false;
    this.inner.resume();
  }
}
