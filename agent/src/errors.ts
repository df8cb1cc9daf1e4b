import { publishRejection } from './diagnostics.ts';

/** What went wrong, for programs: the same in every release and in every copy of the package. */
export type ErrorCode = 'ERR_FUSEBOARD_OPEN' | 'ERR_FUSEBOARD_TIMEOUT' | 'ERR_FUSEBOARD_CONFIG';

/** Marks our errors for other copies of this package in the process. */
const MARK = Symbol.for('fuseboard.error/1');

/** An error of Fuseboard's own. Errors of the caller's function are never wrapped in one. */
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

/** A rejection, without a stack: it is made for every rejected call, and where it was made says nothing. */
export function circuitOpen(breaker: string, retryAfterMs: number): CircuitOpenError {
  const message =
    retryAfterMs > 0
      ? `breaker "${breaker}" is open; retry in ${seconds(retryAfterMs)}`
      : `breaker "${breaker}" is half-open and its probes are under way; retry when they have ended`;
  publishRejection(breaker, 'ERR_FUSEBOARD_OPEN', retryAfterMs);
  return withoutStack(() => new CircuitOpenError(breaker, retryAfterMs, message));
}

/** A call that was given up, without a stack. */
export function callTimeout(breaker: string, timeoutMs: number): CallTimeoutError {
  const message = `a call through breaker "${breaker}" was given up after ${seconds(timeoutMs)}`;
  return withoutStack(() => new CallTimeoutError(breaker, 0, message));
}

/** Collecting a stack costs more than the whole call. */
function withoutStack<E>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = 0;
  } catch {
    return make();
  }
  const error = make();
  Error.stackTraceLimit = limit;
  return error;
}

function seconds(ms: number): string {
  const tenths = Math.ceil(ms / 100);
  return tenths < 10 ? `${Math.ceil(ms)} ms` : `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
}
