import { unknownField } from './unknown-field.ts';

/** What the value of an option must be: its type, or what is expected in words, with a test. */
type Expected =
  | 'string'
  | 'boolean'
  | 'number'
  | 'function'
  // biome-ignore lint/suspicious/noExplicitAny: the test is for any value.
  | readonly [expected: string, fits: (value: any) => boolean];

/**
 * The options that something takes.
 *
 * @internal
 */
export type Fields = Readonly<Record<string, Expected>>;

/**
 * Refuses unknown and wrongly typed options, because they would be ignored. One that is undefined is absent.
 *
 * @param what what takes the options, such as `start`.
 * @param aliases other words for fields, each with the field that is meant.
 * @throws {TypeError} that names the field and suggests another.
 * @internal
 */
export function checkOptions(what: string, options: unknown, fields: Fields, aliases?: Aliases): void {
  const problem = problemOf(what, options, fields, aliases);
  if (problem !== undefined) throw new TypeError(problem);
}

type Aliases = Readonly<Record<string, string>>;

/** What is wrong with options; undefined: nothing. @internal */
export function problemOf(what: string, options: unknown, fields: Fields, aliases?: Aliases): string | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return `the options of ${what} must be an object; it is ${shown(options)}`;
  }
  for (const field in options) {
    const expected = Object.hasOwn(fields, field) ? fields[field]! : undefined;
    if (expected === undefined) return unknownField(what, field, Object.keys(fields), aliases);
    const value = (options as Record<string, unknown>)[field];
    if (value === undefined) continue;
    if (!(typeof expected === 'string' ? isA(value, expected) : expected[1](value))) {
      const wanted = typeof expected === 'string' ? `a ${expected}` : expected[0];
      return `${field} of ${what} must be ${wanted}; it is ${shown(value)}`;
    }
  }
  return undefined;
}

function isA(value: unknown, type: string): boolean {
  return typeof value === type && !Number.isNaN(value);
}

/**
 * Refuses an object without the methods that are needed.
 *
 * @throws {TypeError} that names the first one that is missing.
 * @internal
 */
export function checkMethods(what: string, value: unknown, ...methods: string[]): void {
  const missing = methods.find((method) => typeof (Object(value) as Record<string, unknown>)[method] !== 'function');
  if (missing !== undefined) throw new TypeError(`${what} must have a method ${missing}; it is ${shown(value)}`);
}

/** A wrong value, for a message. @internal */
export function shown(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' || typeof value === 'function'
    ? `of type ${typeof value}`
    : (JSON.stringify(value) ?? String(value)).slice(0, 99);
}

/** Whether a value is a finite number from `least` on. @internal */
export function atLeast(least: number): (value: unknown) => boolean {
  return (value) => Number.isFinite(value) && (value as number) >= least;
}
