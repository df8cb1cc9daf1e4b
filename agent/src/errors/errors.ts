import { causesOf } from '../core/outcomes/causes.ts';
import type { BreakerIdentity, ErrorCode } from './codes.ts';
import { publishNotAdmitted } from './diagnostics.ts';

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
  /**
   * The HTTP status that says the same: 503 for a rejection, 504 for a time limit. Web frameworks answer with it.
   * Absent: there is none.
   */
  declare readonly statusCode?: 503 | 504;
  /** The name of the breaker. */
  readonly breaker: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
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
 * Sets the properties of http-errors, which web frameworks read. `expose: false` keeps the name of the breaker out of
 * their answers.
 */
function answerWith({ prototype }: { readonly prototype: FuseboardError }, status: 503 | 504): void {
  Object.assign(prototype, { status, statusCode: status, expose: false });
}

/**
 * The breaker rejected the call: its circuit is open, or half-open with all its probes under way. The function was not
 * called.
 */
export class CircuitOpenError extends FuseboardError {
  static {
    CircuitOpenError.prototype.name = 'CircuitOpenError';
    answerWith(CircuitOpenError, 503);
  }
  readonly code = 'ERR_FUSEBOARD_OPEN';
}

/** The policy's limit of concurrent calls is reached, and its queue, if any, is full. The function was not called. */
export class LimitedError extends FuseboardError {
  static {
    LimitedError.prototype.name = 'LimitedError';
    answerWith(LimitedError, 503);
  }
  readonly code = 'ERR_FUSEBOARD_LIMITED';
}

/**
 * The call waited in the queue for as long as the policy allows, and no other call ended. The function was not called.
 */
export class QueueTimeoutError extends FuseboardError {
  static {
    QueueTimeoutError.prototype.name = 'QueueTimeoutError';
    answerWith(QueueTimeoutError, 503);
  }
  readonly code = 'ERR_FUSEBOARD_QUEUE_TIMEOUT';
}

/** The call was given up after the time that the policy allows. The function may still be running. */
export class CallTimeoutError extends FuseboardError {
  static {
    CallTimeoutError.prototype.name = 'CallTimeoutError';
    answerWith(CallTimeoutError, 504);
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
 * Whether an error is a FuseboardError or has one among its causes, as those of undici's `fetch` have; of the given
 * code, if one is given. Works across several installed copies of the package, where `instanceof` does not.
 * `fuseboardErrorOf` returns the FuseboardError.
 */
export function isFuseboardError(error: unknown, code?: ErrorCode): error is FuseboardError {
  return fuseboardErrorOf(error, code) !== undefined;
}

/**
 * The outermost FuseboardError among an error and its causes, of the given code if one is given; undefined: there is
 * none.
 */
export function fuseboardErrorOf(error: unknown, code?: ErrorCode): FuseboardError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (isOwn(error, code)) return error;
  try {
    return causesOf(error).find((each) => isOwn(each, code)) as FuseboardError | undefined;
  } catch {
    return undefined;
  }
}

function isOwn(error: object, code: ErrorCode | undefined): error is FuseboardError {
  return MARK in error && (code === undefined || (error as FuseboardError).code === code);
}

/** The codes of calls that did not run: rejected by the circuit, or refused by the limiter. */
const NOT_ADMITTED: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'ERR_FUSEBOARD_OPEN',
  'ERR_FUSEBOARD_LIMITED',
  'ERR_FUSEBOARD_QUEUE_TIMEOUT',
]);

/**
 * The rejection or refusal that an error is, or has among its causes; undefined: neither.
 *
 * @internal
 */
export function notAdmittedErrorOf(error: unknown): FuseboardError | undefined {
  const own = fuseboardErrorOf(error);
  return own !== undefined && NOT_ADMITTED.has(own.code) ? own : undefined;
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

/** Creates the `stack` of an error when it is read, because most rejections are handled without reading it. */
function defineStackLazily<E extends FuseboardError>(prototype: E): void {
  Object.defineProperty(prototype, 'stack', {
    configurable: true,
    get(this: E) {
      return `${this.name}: ${this.message}`;
    },
    set(this: E, value: unknown) {
      Object.defineProperty(this, 'stack', { value, configurable: true, writable: true });
    },
  });
}

const Open = fastConstructor(CircuitOpenError);
const Limited = fastConstructor(LimitedError);
const QueueTimeout = fastConstructor(QueueTimeoutError);
const Timeout = fastConstructor(CallTimeoutError);
for (const { prototype } of [CircuitOpenError, LimitedError, QueueTimeoutError, CallTimeoutError]) {
  defineStackLazily<FuseboardError>(prototype);
}

/**
 * The error of a call that the circuit rejected.
 *
 * @internal
 */
export function circuitOpen(identity: BreakerIdentity, retryAfterMs: number): CircuitOpenError {
  publishNotAdmitted(identity, 'ERR_FUSEBOARD_OPEN', retryAfterMs);
  return withMessage(openMessage(identity, retryAfterMs), new Open('ERR_FUSEBOARD_OPEN', identity, retryAfterMs));
}

interface OpenMessage {
  readonly name: string;
  readonly key: string | undefined;
  readonly ms: number;
  readonly message: string;
}

/**
 * The newest messages, one for each value of `placeOf`: consecutive rejections of a breaker mostly have the same one.
 * `message` is not computed when it is read, as `stack` is: Node prints an unhandled error without calling
 * accessors.
 */
const openMessages: OpenMessage[] = new Array(32).fill({ name: '', key: undefined, ms: -1, message: '' });

/** A number from 0 to 31, which differs for most breakers that a process calls in turns. */
function placeOf(text: string): number {
  return (text.length + text.charCodeAt(text.length - 1)) & 31;
}

function openMessage(identity: BreakerIdentity, retryAfterMs: number): string {
  const { name, key } = identity;
  const ms = Math.ceil(retryAfterMs);
  const place = placeOf(key ?? name);
  const newest = openMessages[place]!;
  if (newest.ms === ms && newest.name === name && newest.key === key) return newest.message;
  const message =
    ms > 0
      ? `${describeBreaker(identity)} is open; retry in ${seconds(ms)}`
      : `${describeBreaker(identity)} is half-open and its probes are under way; retry when they have ended`;
  openMessages[place] = { name, key, ms, message };
  return message;
}

/**
 * The error of a call that the limiter refused.
 *
 * @internal
 */
export function limited(identity: BreakerIdentity, maxConcurrent: number, maxQueue: number): LimitedError {
  const queue = maxQueue === 0 ? '' : ` and ${maxQueue} wait`;
  const message = `${describeBreaker(identity)} has ${maxConcurrent} calls under way${queue}, as many as its policy allows; retry when some have ended`;
  publishNotAdmitted(identity, 'ERR_FUSEBOARD_LIMITED', 0);
  return withMessage(message, new Limited('ERR_FUSEBOARD_LIMITED', identity, 0));
}

/**
 * The error of a call whose wait in the queue ended.
 *
 * @internal
 */
export function queueTimeout(identity: BreakerIdentity, queueTimeoutMs: number): QueueTimeoutError {
  const message = `a call through ${describeBreaker(identity)} waited ${seconds(queueTimeoutMs)} in the queue and none of the calls under way ended; retry later`;
  publishNotAdmitted(identity, 'ERR_FUSEBOARD_QUEUE_TIMEOUT', 0);
  return withMessage(message, new QueueTimeout('ERR_FUSEBOARD_QUEUE_TIMEOUT', identity, 0));
}

/**
 * The error of a call that reached its time limit.
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

/** Quotes and shortens the key, which is any text. */
function describeBreaker({ name, key }: BreakerIdentity): string {
  if (key === undefined) return `breaker "${name}"`;
  const shown = JSON.stringify(key.length > MAX_SHOWN_KEY ? `${key.slice(0, MAX_SHOWN_KEY)}…` : key);
  return `breaker "${name}" key ${shown}`;
}

function seconds(ms: number): string {
  const tenths = Math.ceil(ms / 100);
  return tenths < 10 ? `${Math.ceil(ms)} ms` : `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
}
