/** What went wrong, for programs: the same in every release and in every copy of the package. */
export type ErrorCode =
  | 'ERR_FUSEBOARD_OPEN'
  | 'ERR_FUSEBOARD_LIMITED'
  | 'ERR_FUSEBOARD_QUEUE_TIMEOUT'
  | 'ERR_FUSEBOARD_TIMEOUT'
  | 'ERR_FUSEBOARD_CONFIG';

/** Marks our errors for other copies of this package in the process. */
const MARK = Symbol.for('fuseboard.error/1');

/**
 * An error of Fuseboard's own. Errors of the caller's function are never wrapped in one. Those that end a call are made
 * without the native constructor: they are `instanceof Error`, but not for `util.types.isNativeError`, and their `stack`
 * is one line.
 */
export abstract class FuseboardError extends Error {
  abstract readonly code: ErrorCode;
  /** The name of the breaker. */
  readonly breaker: string;
  /** When another try makes sense, in milliseconds; 0 when that is not known. */
  readonly retryAfterMs: number;

  constructor(breaker: string, retryAfterMs: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.breaker = breaker;
    this.retryAfterMs = retryAfterMs;
  }

  get [MARK](): true {
    return true;
  }
}

/** The breaker rejected the call: its circuit is open, or half-open with all its probes under way. The function was not called. */
export class CircuitOpenError extends FuseboardError {
  static {
    CircuitOpenError.prototype.name = 'CircuitOpenError';
  }
  readonly code = 'ERR_FUSEBOARD_OPEN';
}

/** The policy's limit of concurrent calls is reached, and its queue, if any, is full. The function was not called. */
export class LimitedError extends FuseboardError {
  static {
    LimitedError.prototype.name = 'LimitedError';
  }
  readonly code = 'ERR_FUSEBOARD_LIMITED';
}

/** The call waited in the queue for as long as the policy allows, and no other call ended. The function was not called. */
export class QueueTimeoutError extends FuseboardError {
  static {
    QueueTimeoutError.prototype.name = 'QueueTimeoutError';
  }
  readonly code = 'ERR_FUSEBOARD_QUEUE_TIMEOUT';
}

/** The call was given up after the time that the policy allows. The function may still be running. */
export class CallTimeoutError extends FuseboardError {
  static {
    CallTimeoutError.prototype.name = 'CallTimeoutError';
  }
  readonly code = 'ERR_FUSEBOARD_TIMEOUT';
}

/** A breaker cannot be made or set up as asked; the message says what to change. */
export class ConfigError extends FuseboardError {
  static {
    ConfigError.prototype.name = 'ConfigError';
  }
  readonly code = 'ERR_FUSEBOARD_CONFIG';
}

/**
 * Whether an error is Fuseboard's own, and of the given code if one is given. Works across several installed copies of
 * the package, where `instanceof` does not.
 */
export function isFuseboardError(error: unknown, code?: ErrorCode): error is FuseboardError {
  if (typeof error !== 'object' || error === null || !(MARK in error)) return false;
  return code === undefined || (error as FuseboardError).code === code;
}

type Made<E> = new (code: ErrorCode, breaker: string, retryAfterMs: number, message: string) => E;

/** Makes errors of a class without the native constructor, which costs more than a whole call even where it collects no stack. */
function cheap<E extends FuseboardError>(type: { readonly prototype: E }): Made<E> {
  const { name } = type.prototype;
  function Cheap(
    this: Record<string, unknown>,
    code: ErrorCode,
    breaker: string,
    retryAfterMs: number,
    message: string,
  ) {
    this.stack = `${name}: ${message}`;
    this.message = message;
    this.breaker = breaker;
    this.retryAfterMs = retryAfterMs;
    this.code = code;
  }
  Cheap.prototype = type.prototype;
  return Cheap as unknown as Made<E>;
}

const Open = cheap(CircuitOpenError);
const Limited = cheap(LimitedError);
const QueueTimeout = cheap(QueueTimeoutError);
const Timeout = cheap(CallTimeoutError);

/** A rejection. */
export function circuitOpen(breaker: string, retryAfterMs: number): CircuitOpenError {
  const message =
    retryAfterMs > 0
      ? `breaker "${breaker}" is open; retry in ${seconds(retryAfterMs)}`
      : `breaker "${breaker}" is half-open and its probes are under way; retry when they have ended`;
  return new Open('ERR_FUSEBOARD_OPEN', breaker, retryAfterMs, message);
}

/** A refusal of the limiter. */
export function limited(breaker: string, maxConcurrent: number, maxQueue: number): LimitedError {
  const queue = maxQueue === 0 ? '' : ` and ${maxQueue} wait`;
  const message = `breaker "${breaker}" has ${maxConcurrent} calls under way${queue}, as many as its policy allows; retry when some have ended`;
  return new Limited('ERR_FUSEBOARD_LIMITED', breaker, 0, message);
}

/** A call that waited too long for others to end. */
export function queueTimeout(breaker: string, queueTimeoutMs: number): QueueTimeoutError {
  const message = `a call through breaker "${breaker}" waited ${seconds(queueTimeoutMs)} in the queue and none of the calls under way ended; retry later`;
  return new QueueTimeout('ERR_FUSEBOARD_QUEUE_TIMEOUT', breaker, 0, message);
}

/** A call that was given up. */
export function callTimeout(breaker: string, timeoutMs: number): CallTimeoutError {
  const message = `a call through breaker "${breaker}" was given up after ${seconds(timeoutMs)}`;
  return new Timeout('ERR_FUSEBOARD_TIMEOUT', breaker, 0, message);
}

function seconds(ms: number): string {
  const tenths = Math.ceil(ms / 100);
  return tenths < 10 ? `${Math.ceil(ms)} ms` : `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
}
