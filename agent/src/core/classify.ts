import { causesOf } from './outcomes/causes.ts';

/** The outcome of a call, as its breaker counts it. */
export type Outcome = 'success' | 'failure' | 'ignored';

/** The result or the error of a call. */
export type CallOutcome = { readonly result: unknown } | { readonly error: unknown };

/** Classifies the result or the error of a call; undefined leaves it to the policy. */
export type Classify = (outcome: CallOutcome) => Outcome | undefined;

/**
 * One side of `classify`: what an outcome is compared with.
 *
 * @internal
 */
export interface OutcomeMatch {
  readonly names: readonly string[];
  readonly codes: readonly string[];
  /** Bit n is set when every status of n00 to n99 matches. */
  readonly statusClasses: number;
  readonly statuses: readonly number[];
}

/**
 * The `classify` of a policy.
 *
 * @internal
 */
export interface Classification {
  readonly failure: OutcomeMatch;
  /** Has precedence over `failure`. */
  readonly ignore: OutcomeMatch;
}

/** Maximum number of superclasses whose names are compared. */
const MAX_CLASSES = 32;

/**
 * Classifies a call that returned: a result with an HTTP status (integer `status` and `headers.get`, as a Response has,
 * or integer `statusCode` and `headers`, as what undici's `request`, got and `node:http` give) by that status, anything
 * else is a success. A result that throws when it is read is a success too.
 *
 * @internal
 */
export function classifyResult(classification: Classification, result: unknown): Outcome {
  return typeof result !== 'object' || result === null ? 'success' : classifyObject(classification, result);
}

/** Apart, so that the engine makes one piece of a call whose result is no object. */
function classifyObject({ failure, ignore }: Classification, result: object): Outcome {
  const status = resultStatus(result);
  if (status === undefined || matchesStatus(ignore, status)) return status === undefined ? 'success' : 'ignored';
  return matchesStatus(failure, status) ? 'failure' : 'success';
}

/**
 * Classifies a call that threw. The error and its causes are read, the outermost first (see `causesOf`). The first HTTP
 * status from 400 to 599 decides alone, so that a thrown 404 and a returned one are the same; other statuses do not
 * count. Without one, every error is a failure, or, where names or codes are listed, one that matches or has a cause
 * that does. An error that throws when it is read is a failure.
 *
 * @internal
 */
export function classifyError({ failure, ignore }: Classification, error: unknown): Outcome {
  const everything = failure.names.length === 0 && failure.codes.length === 0;
  if (typeof error !== 'object' || error === null) return everything ? 'failure' : 'success';
  try {
    const all = causesOf(error);
    const status = firstStatus(all);
    if (status !== undefined) {
      if (matchesStatus(ignore, status)) return 'ignored';
      return matchesStatus(failure, status) ? 'failure' : 'success';
    }
    if (matchesAny(ignore, all)) return 'ignored';
    return everything || matchesAny(failure, all) ? 'failure' : 'success';
  } catch {
    return 'failure';
  }
}

interface Statuses {
  status?: unknown;
  statusCode?: unknown;
  response?: { status?: unknown; statusCode?: unknown } | null;
  $metadata?: { httpStatusCode?: unknown } | null;
  headers?: { get?: unknown } | null;
}

/** The status of a result that looks like a Response, where it has one. @internal */
export function resultStatus(result: Statuses): number | undefined {
  try {
    const { status, statusCode, headers } = result;
    if (typeof headers !== 'object' || headers === null) return undefined;
    if (isStatus(status) && typeof headers.get === 'function') return status;
    return isStatus(statusCode) ? statusCode : undefined;
  } catch {
    return undefined;
  }
}

function firstStatus(errors: readonly object[]): number | undefined {
  for (const each of errors) {
    const { response, status, statusCode, $metadata } = each as Statuses;
    // Most errors have none, and each failing call looks.
    if ((response ?? status ?? statusCode ?? $metadata) === undefined) continue;
    const candidates = [response?.status, response?.statusCode, status, statusCode, $metadata?.httpStatusCode];
    const found = candidates.find(isErrorStatus);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first HTTP status from 400 to 599 of an error or its causes. @internal */
export function errorStatus(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null ? firstStatus(causesOf(error)) : undefined;
}

/**
 * A status below 400, such as that of a 200 whose body was cut off, does not say that the call failed; the error itself
 * does.
 */
function isErrorStatus(value: unknown): value is number {
  return isStatus(value) && value >= 400;
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599;
}

function matchesStatus({ statusClasses, statuses }: OutcomeMatch, status: number): boolean {
  return ((statusClasses >> Math.trunc(status / 100)) & 1) === 1 || statuses.includes(status);
}

function matchesAny(match: OutcomeMatch, errors: readonly object[]): boolean {
  return (match.names.length > 0 || match.codes.length > 0) && errors.some((each) => matchesError(match, each));
}

function matchesError({ names, codes }: OutcomeMatch, error: object): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  if (codes.length > 0 && (typeof code === 'string' || typeof code === 'number') && codes.includes(String(code))) {
    return true;
  }
  if (names.length === 0) return false;
  return (typeof name === 'string' && names.includes(name)) || classNames(error).some((each) => names.includes(each));
}

function classNames(error: object): string[] {
  const found: string[] = [];
  let prototype: object | null = Object.getPrototypeOf(error);
  for (let i = 0; i < MAX_CLASSES && prototype !== null && prototype !== Object.prototype; i++) {
    if (Object.hasOwn(prototype, 'name')) found.push(String((prototype as { name: unknown }).name));
    found.push(prototype.constructor.name);
    prototype = Object.getPrototypeOf(prototype);
  }
  return found;
}
