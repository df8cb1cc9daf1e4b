import type {
  InterceptingCall,
  InterceptingListener,
  Interceptor,
  InterceptorOptions,
  Metadata,
  NextCall,
  StatusObject,
} from '@grpc/grpc-js';
import type { Breaker } from '../breakers/breaker.ts';
import type { CallContext } from '../call/context.ts';
import { isFuseboardError, notAdmittedErrorOf } from '../errors/errors.ts';
import { checkOptions } from '../errors/options.ts';
import { breakerChooser } from './outgoing.ts';

/** A method of gRPC. */
export interface GrpcMethod {
  /** With its package: `shop.Payments`. */
  readonly service: string;
  readonly method: string;
}

/**
 * The breaker of a call: a breaker, its name, or a function that returns either for each call, by service for example.
 */
export type GrpcBreakerChoice = Breaker | string | ((method: GrpcMethod) => Breaker | string);

export interface GrpcOptions {
  /**
   * Whether unary calls are retried when the policy has retries. A client of gRPC does not know which of its methods
   * may be called twice, so absent means `never`. Calls with a stream on either side are never retried.
   */
  readonly retry?: 'always' | 'never' | ((method: GrpcMethod) => boolean) | undefined;
}

type InnerCall = ReturnType<NextCall>;
type MessageContext = Parameters<InnerCall['sendMessageWithContext']>[0];
type Operation = (call: InnerCall) => void;

const OK = 0;
const CANCELLED = 1;
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;

/**
 * The statuses of gRPC, by their numbers. One that says something about the call rather than about the dependency has
 * the HTTP status that google.rpc.Code gives it, so that the policy treats it as it treats that of HTTP.
 */
const STATUSES: readonly (readonly [name: string, http?: number])[] = [
  ['OK'],
  ['CANCELLED'],
  ['UNKNOWN'],
  ['INVALID_ARGUMENT', 400],
  ['DEADLINE_EXCEEDED'],
  ['NOT_FOUND', 404],
  ['ALREADY_EXISTS', 409],
  ['PERMISSION_DENIED', 403],
  ['RESOURCE_EXHAUSTED', 429],
  ['FAILED_PRECONDITION', 400],
  ['ABORTED', 409],
  ['OUT_OF_RANGE', 400],
  ['UNIMPLEMENTED'],
  ['INTERNAL'],
  ['UNAVAILABLE'],
  ['DATA_LOSS'],
  ['UNAUTHENTICATED', 401],
];

/**
 * An interceptor for clients of `@grpc/grpc-js`: `new Client(address, credentials, { interceptors:
 * [grpcInterceptor('payments')] })`.
 *
 * A call with one response ends for the breaker with its status; one with a stream of responses with the first metadata
 * of the server, or with its status where that comes first. INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,
 * PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE and UNAUTHENTICATED count as the
 * HTTP status that google.rpc.Code gives them, which is no failure by default; every other status but OK is an error
 * with the number and, as its cause, the name of the status as `code`. A deadline of the caller that passes is a
 * failure that timed out; a call that the caller cancels is ignored.
 *
 * A call that the breaker rejects ends with UNAVAILABLE, one that exceeds the time limit of the policy with
 * DEADLINE_EXCEEDED; the error of the client has that of Fuseboard as its `cause`.
 *
 * @throws {ConfigError} when a name cannot be used.
 * @throws {TypeError} when an option cannot be used.
 */
export function grpcInterceptor(choice: GrpcBreakerChoice, grpcOptions: GrpcOptions = {}): Interceptor {
  const choose = breakerChooser<GrpcMethod>(choice);
  checkOptions('grpcInterceptor', grpcOptions, {
    retry: [
      "'always', 'never' or a function",
      (choice) => typeof choice === 'function' || choice === 'always' || choice === 'never',
    ],
  });
  const { retry = 'never' } = grpcOptions;
  return (options, nextCall) => {
    const { path, requestStream, responseStream } = options.method_definition;
    const described = (): GrpcMethod => {
      const [, service = '', method = ''] = path.split('/');
      return { service, method };
    };
    const isUnary = !requestStream && !responseStream;
    const mayRetry = isUnary && (typeof retry === 'function' ? retry(described()) : retry === 'always');
    const call = new BreakerCall(options, nextCall, choose(described), mayRetry);
    // The class of the library has private fields, and is not imported, so that the package needs no library.
    return call as unknown as InterceptingCall;
  };
}

/** What a breaker sees of a call that failed. */
interface CallFailure {
  readonly name: 'ServiceError';
  readonly message: string;
  readonly code: number;
  readonly status?: number | undefined;
  /** The name of the status, which `errorCodes` may list as well. */
  readonly cause: unknown;
  readonly headers?: { readonly 'retry-after-ms': unknown };
}

function failureOf(status: StatusObject & { readonly cause?: unknown }): CallFailure {
  const { code, details, metadata } = status;
  const [name, http] = STATUSES[code] ?? [`status ${code}`];
  const [wait] = metadata?.get('grpc-retry-pushback-ms') ?? [];
  return {
    name: 'ServiceError',
    message: `${code} ${name}: ${details}`,
    code,
    ...(http !== undefined && { status: http }),
    // An inner breaker has left its error here.
    cause: status.cause ?? { code: name },
    ...(wait !== undefined && { headers: { 'retry-after-ms': wait } }),
  };
}

/** One call of the caller, with all attempts of the breaker. */
class BreakerCall {
  readonly #options: InterceptorOptions;
  readonly #nextCall: NextCall;
  readonly #breaker: Breaker;
  readonly #mayRetry: boolean;
  readonly #caller = new AbortController();
  #attempt: Attempt | undefined;
  /** What the caller did before there was an attempt, or, where there may be another, from the beginning. */
  readonly #operations: Operation[] = [];
  #cancelled: { readonly code: number; readonly details: string } | undefined;
  #isOver = false;

  constructor(options: InterceptorOptions, nextCall: NextCall, breaker: Breaker, mayRetry: boolean) {
    this.#options = options;
    this.#nextCall = nextCall;
    this.#breaker = breaker;
    this.#mayRetry = mayRetry;
  }

  start(metadata: Metadata, listener: Partial<InterceptingListener> = {}): void {
    const send = ({ signal }: CallContext) =>
      new Promise<Attempt>((resolve, reject) => {
        this.#attempt?.discard();
        const call = this.#nextCall(this.#options);
        const attempt = new Attempt(call, listener, {
          signal,
          resolve,
          reject,
          timedOut: () => this.#timedOut(),
          responseStream: this.#options.method_definition.responseStream,
          holds: this.#mayRetry,
        });
        this.#attempt = attempt;
        call.start(this.#mayRetry ? metadata.clone() : metadata, attempt);
        for (const operation of this.#operations) operation(call);
        if (!this.#mayRetry) this.#operations.length = 0;
      });
    const ended = this.#breaker.execute(send, { signal: this.#caller.signal, retry: this.#mayRetry });
    const cancelTimer = this.#watchDeadline();
    // An error that a listener throws is thrown to the process, as without a breaker.
    const deliver = (task: () => void) =>
      queueMicrotask(() => {
        this.#isOver = true;
        cancelTimer();
        task();
      });
    ended.then(
      (attempt) => deliver(() => this.#release(attempt)),
      (error) =>
        deliver(() => {
          const last = this.#attempt;
          const isItsOwn = last?.failure !== undefined && (last.failure === error || this.#caller.signal.aborted);
          if (isItsOwn) return last.release();
          last?.discard();
          const none = new (metadata.constructor as new () => Metadata)();
          listener.onReceiveStatus?.({ ...this.#statusOf(error), metadata: none } as StatusObject);
        }),
    );
  }

  cancelWithStatus(code: number, details: string): void {
    if (this.#isOver) {
      this.#attempt?.call.cancelWithStatus(code, details);
      return;
    }
    this.#cancelled ??= { code, details };
    this.#caller.abort(new DOMException(details, 'AbortError'));
  }

  getPeer(): string {
    return this.#attempt?.call.getPeer() ?? 'unknown';
  }

  getAuthContext() {
    return this.#attempt?.call.getAuthContext?.() ?? null;
  }

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    this.#do((call) => call.sendMessageWithContext(context, message));
  }

  sendMessage(message: unknown): void {
    this.#do((call) => call.sendMessage(message));
  }

  startRead(): void {
    this.#do((call) => call.startRead());
  }

  halfClose(): void {
    this.#do((call) => call.halfClose());
  }

  #release(attempt: Attempt): void {
    attempt.release();
    // The caller cancelled after the breaker had its outcome and before this.
    if (this.#cancelled) attempt.call.cancelWithStatus(this.#cancelled.code, this.#cancelled.details);
  }

  #do(operation: Operation): void {
    if (this.#mayRetry || this.#attempt === undefined) this.#operations.push(operation);
    if (this.#attempt !== undefined) operation(this.#attempt.call);
  }

  /** The status of a call that ended without one of its own. */
  #statusOf(error: unknown) {
    const details = error instanceof Error ? error.message : String(error);
    if (this.#cancelled !== undefined) return this.#cancelled;
    if (notAdmittedErrorOf(error) !== undefined) return { code: UNAVAILABLE, details, cause: error };
    if (isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')) return { code: DEADLINE_EXCEEDED, details, cause: error };
    if (this.#caller.signal.aborted) return { code: DEADLINE_EXCEEDED, details };
    return { code: UNKNOWN, details, cause: error };
  }

  #timedOut(): void {
    if (this.#options.deadline !== undefined) this.#caller.abort(new DOMException('Deadline exceeded', 'TimeoutError'));
  }

  /** The library watches the deadline during an attempt. While the call waits for one, nobody else does. */
  #watchDeadline(): () => void {
    const { deadline } = this.#options;
    const ms = deadline === undefined ? Number.POSITIVE_INFINITY : Number(deadline) - Date.now();
    if (ms > MAX_TIMER_MS || (this.#attempt !== undefined && !this.#mayRetry)) return () => {};
    const timer = setTimeout(() => this.#timedOut(), Math.max(0, ms)).unref();
    return () => clearTimeout(timer);
  }
}

/** A timer cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface AttemptOptions {
  readonly signal: AbortSignal;
  resolve(attempt: Attempt): void;
  reject(error: unknown): void;
  /** Called when the deadline of the call has passed. */
  timedOut(): void;
  readonly responseStream: boolean;
  /** Whether another attempt may take the place of this one, so that nothing of it is passed on before its end. */
  readonly holds: boolean;
}

/** One attempt. It holds back what it received until the breaker has decided that the caller gets it. */
class Attempt implements InterceptingListener {
  readonly call: InnerCall;
  /** With a status other than OK, which is not that of giving it up. */
  failure: CallFailure | undefined;
  readonly #listener: Partial<InterceptingListener>;
  readonly #options: AttemptOptions;
  readonly #abort = () => this.call.cancelWithStatus(CANCELLED, 'given up by its breaker');
  #phase: 'held' | 'released' | 'discarded' = 'held';
  readonly #arrived: (() => void)[] = [];

  constructor(call: InnerCall, listener: Partial<InterceptingListener>, options: AttemptOptions) {
    this.call = call;
    this.#listener = listener;
    this.#options = options;
    options.signal.addEventListener('abort', this.#abort, { once: true });
  }

  onReceiveMetadata(metadata: Metadata): void {
    const deliver = () => this.#listener.onReceiveMetadata?.(metadata);
    const { responseStream, holds, resolve } = this.#options;
    if (this.#phase === 'held' && !responseStream && !holds) deliver();
    else this.#pass(deliver);
    if (responseStream) resolve(this);
  }

  onReceiveMessage(message: unknown): void {
    this.#pass(() => this.#listener.onReceiveMessage?.(message));
  }

  onReceiveStatus(status: StatusObject): void {
    const { signal, resolve, reject, timedOut } = this.#options;
    signal.removeEventListener('abort', this.#abort);
    if (status.code === OK) {
      this.#pass(() => this.#listener.onReceiveStatus?.(status));
      resolve(this);
      return;
    }
    const failure = failureOf(status);
    // What the breaker gave up ends with the status of that, which nobody gets.
    if (!signal.aborted) {
      this.#pass(() => this.#listener.onReceiveStatus?.(status));
      this.failure = failure;
      if (status.code === DEADLINE_EXCEEDED) timedOut();
    }
    // An abandoned attempt counts for the concurrency limit until it has ended.
    reject(failure);
  }

  /** Passes on what was received, and from now on what comes. */
  release(): void {
    if (this.#phase !== 'held') return;
    this.#phase = 'released';
    this.#options.signal.removeEventListener('abort', this.#abort);
    for (const deliver of this.#arrived.splice(0)) deliver();
  }

  /** Passes on nothing. */
  discard(): void {
    this.#phase = 'discarded';
    this.#arrived.length = 0;
  }

  #pass(deliver: () => void): void {
    if (this.#phase === 'released') deliver();
    else if (this.#phase === 'held') this.#arrived.push(deliver);
  }
}
