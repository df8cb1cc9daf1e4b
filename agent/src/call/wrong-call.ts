import { type Fields, problemOf, shown } from '../errors/options.ts';
import type { CallBreaker } from './call-breaker.ts';

const POLICY_FALLBACK: Fields = { key: 'string', parse: 'function', copy: 'boolean' };

/** The options of `executeSync`. */
export const SYNC_OPTIONS: Fields = { fallback: 'function' };

/** The options of `execute`. */
const OPTIONS: Fields = {
  fallback: 'function',
  policyFallback: [
    'an object with a string key, a function parse and, at most, a boolean copy',
    (value) => typeof value?.key === 'string' && typeof value.parse === 'function',
  ],
  signal: ['an AbortSignal', (value) => typeof value?.addEventListener === 'function'],
  retry: ['true or false', (value) => typeof value === 'boolean'],
};

/** The error for a value in place of the function to call. */
export function notCallable({ name }: CallBreaker, method: string, what: unknown): TypeError {
  const isPromise = typeof (what as { then?: unknown } | null | undefined)?.then === 'function';
  const given = isPromise ? 'a promise, whose call is under way already' : shown(what);
  return new TypeError(
    `${method} of breaker "${name}" was given ${given}; give a function that makes the call: ${method}(() => …)`,
  );
}

/**
 * The error for invalid options of a call; undefined: they are valid. A call with invalid options is not made, and does
 * not count as a failure of the dependency.
 */
export function wrongOptions({ name }: CallBreaker, options: object, fields = OPTIONS): TypeError | undefined {
  let problem = problemOf('a call', options, fields);
  const { policyFallback } = Object(options) as { policyFallback?: unknown };
  if (problem === undefined && policyFallback !== undefined) {
    problem = problemOf('policyFallback of a call', policyFallback, POLICY_FALLBACK);
  }
  return problem === undefined ? undefined : new TypeError(`breaker "${name}": ${problem}`);
}
