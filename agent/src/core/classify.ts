/** How a call ended, as far as its breaker is concerned. */
export type Outcome = 'success' | 'failure' | 'ignored';

/** What a call came to. */
export type CallOutcome = { readonly result: unknown } | { readonly error: unknown };

/** Classifies what a call came to; undefined leaves it to the policy. */
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
  /** Wins over `failure`. */
  readonly ignore: OutcomeMatch;
}

/** How far up a chain of classes names are compared; no error class of a program has more. */
const MAX_CLASSES = 32;

/**
 * Classifies a call that returned: a result with an HTTP status (integer `status` and `headers.get`, as a Response has)
 * by that status, anything else is a success. A result that throws when looked at is a success as well.
 *
 * @internal
 */
export function classifyResult(classification: Classification, result: unknown): Outcome {
  if (typeof result !== 'object' || result === null) return 'success';
  const { failure, ignore } = classification;
  const status = resultStatus(result);
  if (status === undefined || matchesStatus(ignore, status)) return status === undefined ? 'success' : 'ignored';
  return matchesStatus(failure, status) ? 'failure' : 'success';
}

/**
 * Classifies a call that threw. Where the error has an HTTP status (`response.status`, `status` or `statusCode`), the
 * status alone decides, so that a thrown 404 and a returned one are the same. Without one, every error is a failure,
 * or, where names or codes are listed, what matches them. An error that throws when looked at is a failure.
 *
 * @internal
 */
export function classifyError({ failure, ignore }: Classification, error: unknown): Outcome {
  try {
    const status = errorStatus(error);
    if (status !== undefined) {
      if (matchesStatus(ignore, status)) return 'ignored';
      return matchesStatus(failure, status) ? 'failure' : 'success';
    }
    if (matchesError(ignore, error)) return 'ignored';
    const everything = failure.names.length === 0 && failure.codes.length === 0;
    return everything || matchesError(failure, error) ? 'failure' : 'success';
  } catch {
    return 'failure';
  }
}

interface Statuses {
  status?: unknown;
  statusCode?: unknown;
  response?: { status?: unknown } | null;
  headers?: { get?: unknown } | null;
}

/** The status of a result that looks like a Response, where it has one. @internal */
export function resultStatus(result: Statuses): number | undefined {
  try {
    const { status } = result;
    return isStatus(status) && typeof result.headers?.get === 'function' ? status : undefined;
  } catch {
    return undefined;
  }
}

/** The status that an error carries. @internal */
export function errorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { response, status, statusCode } = error as Statuses;
  return [response?.status, status, statusCode].find(isStatus);
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599;
}

function matchesStatus({ statusClasses, statuses }: OutcomeMatch, status: number): boolean {
  return ((statusClasses >> Math.trunc(status / 100)) & 1) === 1 || statuses.includes(status);
}

function matchesError({ names, codes }: OutcomeMatch, error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
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
