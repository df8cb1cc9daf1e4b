import { shown } from '../errors/options.ts';
import { unknownField } from '../errors/unknown-field.ts';
import type { CallBreaker } from './call-breaker.ts';

/** The arguments of `execute` other than the function. */
const OPTIONS = ['fallback', 'policyFallback', 'signal', 'retry'] as const;

const POLICY_FALLBACK: readonly string[] = ['key', 'parse', 'copy'];

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
export function wrongOptions({ name }: CallBreaker, options: object): TypeError | undefined {
  const refused = (field: string, expected: string, value: unknown) =>
    new TypeError(`${field} of a call through breaker "${name}" must be ${expected}; it is ${shown(value)}`);
  if (typeof options !== 'object' || options === null) return refused('the options', 'an object', options);
  for (const field in options) {
    const value = (options as Record<string, unknown>)[field];
    if (value === undefined) continue;
    switch (field) {
      case 'fallback':
        if (typeof value !== 'function') return refused(field, 'a function', value);
        break;
      case 'policyFallback':
        if (!isPolicyFallback(value)) {
          return refused(field, 'an object with a string key, a function parse and, at most, a boolean copy', value);
        }
        for (const inner in value) {
          if (!POLICY_FALLBACK.includes(inner))
            return new TypeError(unknownField(`policyFallback of a call of breaker "${name}"`, inner, POLICY_FALLBACK));
        }
        break;
      case 'signal':
        if (typeof (value as AbortSignal | null)?.addEventListener !== 'function')
          return refused(field, 'an AbortSignal', value);
        break;
      case 'retry':
        if (typeof value !== 'boolean') return refused(field, 'true or false', value);
        break;
      default:
        return new TypeError(unknownField(`a call of breaker "${name}"`, field, OPTIONS));
    }
  }
  return undefined;
}

function isPolicyFallback(value: unknown): value is object {
  const { key, parse, copy = false } = Object(value) as { key?: unknown; parse?: unknown; copy?: unknown };
  return typeof key === 'string' && typeof parse === 'function' && typeof copy === 'boolean';
}
