import type { BreakerIdentity, ErrorCode } from './codes.ts';
import { publishRejection } from './diagnostics.ts';

export type { ErrorCode };

/** Marks our errors for other copies of this package in the process. */
const MARK = Symbol.for('fuseboard.error/1');

/**
 * An error of Fuseboard's own. Errors of the caller's function are never wrapped in one. Those that end a call are made
 * without the native constructor: they are `instanceof Error`, but not for `util.types.isNativeError`, and their
 * `stack` is one line.
 */
export abstract class FuseboardError extends Error {
  abstract readonly code: ErrorCode;
  /** The name of the breaker. */
  readonly breaker: string;
  /** The key whose circuit it is. Absent: the breaker's own. */
  declare readonly key?: string | undefined;
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

/**
 * The breaker rejected the call: its circuit is open, or half-open with all its probes under way. The function was not
 * called.
 */
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

/**
 * The call waited in the queue for as long as the policy allows, and no other call ended. The function was not called.
 */
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

/**
 * Lets the stack begin with the caller of a function and end soon: an uncaught mistake of the configuration then shows
 * its message and the code that made it on a few lines.
 *
 * @internal
 */
export function shortenStack(error: Error, calledFunction: (...args: never[]) => unknown): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Math.min(stackTraceLimit, 4);
  Error.captureStackTrace(error, calledFunction);
  Error.stackTraceLimit = stackTraceLimit;
}

/** A breaker cannot be made or set up as asked; the message says what to change. */
export class ConfigError extends FuseboardError {
  static {
    ConfigError.prototype.name = 'ConfigError';
  }
  readonly code = 'ERR_FUSEBOARD_CONFIG';

  constructor(breaker: string, retryAfterMs: number, message: string, options?: ErrorOptions) {
    super(breaker, retryAfterMs, message, options);
    shortenStack(this, new.target as never);
  }
}

/**
 * Whether an error is Fuseboard's own, and of the given code if one is given. Works across several installed copies of
 * the package, where `instanceof` does not.
 */
export function isFuseboardError(error: unknown, code?: ErrorCode): error is FuseboardError {
  if (typeof error !== 'object' || error === null || !(MARK in error)) return false;
  return code === undefined || (error as FuseboardError).code === code;
}

type FastConstructor<E> = new (code: ErrorCode, identity: BreakerIdentity, retryAfterMs: number) => E;

/**
 * Makes errors of a class without the native constructor, which costs more than a whole call even where it collects no
 * stack.
 */
function fastConstructor<E extends FuseboardError>({ prototype }: { readonly prototype: E }): FastConstructor<E> {
  function FastError(
    this: Record<string, unknown>,
    code: ErrorCode,
    { name, key }: BreakerIdentity,
    retryAfterMs: number,
  ) {
    this.breaker = name;
    if (key !== undefined) this.key = key;
    this.retryAfterMs = retryAfterMs;
    this.code = code;
  }
  FastError.prototype = prototype;
  return FastError as unknown as FastConstructor<E>;
}

/**
 * Lets an error that has no such property of its own compute it when it is read: most rejections are answered unread.
 */
function defineLazily<E extends FuseboardError>(
  prototype: E,
  property: 'message' | 'stack',
  text: (error: E) => string,
): void {
  Object.defineProperty(prototype, property, {
    configurable: true,
    get(this: E) {
      return text(this);
    },
    set(this: E, value: unknown) {
      Object.defineProperty(this, property, { value, configurable: true, writable: true });
    },
  });
}

const Open = fastConstructor(CircuitOpenError);
defineLazily(CircuitOpenError.prototype, 'message', ({ breaker, key, retryAfterMs }) =>
  retryAfterMs > 0
    ? `${describeBreaker({ name: breaker, key })} is open; retry in ${seconds(retryAfterMs)}`
    : `${describeBreaker({ name: breaker, key })} is half-open and its probes are under way; retry when they have ended`,
);
const Limited = fastConstructor(LimitedError);
const QueueTimeout = fastConstructor(QueueTimeoutError);
const Timeout = fastConstructor(CallTimeoutError);
for (const { prototype } of [CircuitOpenError, LimitedError, QueueTimeoutError, CallTimeoutError]) {
  defineLazily<FuseboardError>(prototype, 'stack', ({ name, message }) => `${name}: ${message}`);
}

/**
 * A rejection.
 *
 * @internal
 */
export function circuitOpen(identity: BreakerIdentity, retryAfterMs: number): CircuitOpenError {
  publishRejection(identity, 'ERR_FUSEBOARD_OPEN', retryAfterMs);
  return new Open('ERR_FUSEBOARD_OPEN', identity, retryAfterMs);
}

/**
 * A refusal of the limiter.
 *
 * @internal
 */
export function limited(identity: BreakerIdentity, maxConcurrent: number, maxQueue: number): LimitedError {
  const queue = maxQueue === 0 ? '' : ` and ${maxQueue} wait`;
  const message = `${describeBreaker(identity)} has ${maxConcurrent} calls under way${queue}, as many as its policy allows; retry when some have ended`;
  publishRejection(identity, 'ERR_FUSEBOARD_LIMITED', 0);
  return withMessage(message, new Limited('ERR_FUSEBOARD_LIMITED', identity, 0));
}

/**
 * A call that waited too long for others to end.
 *
 * @internal
 */
export function queueTimeout(identity: BreakerIdentity, queueTimeoutMs: number): QueueTimeoutError {
  const message = `a call through ${describeBreaker(identity)} waited ${seconds(queueTimeoutMs)} in the queue and none of the calls under way ended; retry later`;
  publishRejection(identity, 'ERR_FUSEBOARD_QUEUE_TIMEOUT', 0);
  return withMessage(message, new QueueTimeout('ERR_FUSEBOARD_QUEUE_TIMEOUT', identity, 0));
}

/**
 * A call that was given up.
 *
 * @internal
 */
export function callTimeout(identity: BreakerIdentity, timeoutMs: number): CallTimeoutError {
  const message = `a call through ${describeBreaker(identity)} was given up after ${seconds(timeoutMs)}`;
  return withMessage(message, new Timeout('ERR_FUSEBOARD_TIMEOUT', identity, 0));
}

function withMessage<E extends FuseboardError>(message: string, error: E): E {
  error.message = message;
  return error;
}

const MAX_SHOWN_KEY = 64;

/** A key may hold anything and be long. */
function describeBreaker({ name, key }: BreakerIdentity): string {
  if (key === undefined) return `breaker "${name}"`;
  const shown = JSON.stringify(key.length > MAX_SHOWN_KEY ? `${key.slice(0, MAX_SHOWN_KEY)}…` : key);
  return `breaker "${name}" key ${shown}`;
}

function seconds(ms: number): string {
  const tenths = Math.ceil(ms / 100);
  return tenths < 10 ? `${Math.ceil(ms)} ms` : `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
}
