import leven from 'leven';
import type { z } from 'zod';

/** What zod found: its issue, with the schema that found it. */
type Issue = z.core.$ZodRawIssue;

/**
 * The sentence about a value that a schema refuses: what it must be, and what it is. Absent where the sentence of the
 * schema itself is the better one.
 */
export function plainText(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `is required; give ${wanted(issue)}`;
      return `must be ${wanted(issue)}, not ${show(issue.input)}`;
    case 'invalid_value':
      return mustBeOneOf(issue.values.map(String), issue.input);
    case 'too_small':
      return atLeast(issue.origin, Number(issue.minimum), issue.input);
    case 'too_big':
      return atMost(issue.origin, Number(issue.maximum), issue.input);
    case 'invalid_format':
      return `must match ${issue.pattern ?? issue.format}, not ${show(issue.input)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}, not ${show(issue.input)}`;
    default:
      return undefined;
  }
}

/** Why a key is refused, and which of the keys that there are may have been meant. */
export function unknownField(key: string, known: readonly string[]): string {
  const lowerCase = key.toLowerCase();
  const [best] = known
    .map((name) => ({ name, far: leven(lowerCase, name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const close = best !== undefined && best.far <= Math.max(2, Math.floor(key.length / 3));
  return `is not a field; ${close ? `did you mean "${best.name}"?` : `the fields here are ${known.join(', ')}`}`;
}

/** What is no text cannot be a duration; a whole number was most often meant in seconds. */
export function mustBeDuration(value: unknown): string {
  if (value === undefined) return 'is required; give a duration such as 30s';
  const example = typeof value === 'number' && Number.isInteger(value) && value > 0 ? `${value}s` : '30s';
  return `must be a duration with its unit, such as ${example}, not ${show(value)}`;
}

/** Why a text is no duration; a number without its unit was most often meant in seconds. */
export function notADuration(text: string): string {
  const [, number] = /^\s*([1-9]\d{0,5})\s*(?:s|sec|secs|seconds?)?\s*$/i.exec(text) ?? [];
  const hint = number === undefined ? '' : `; did you mean ${number}s?`;
  return `must be a duration such as 250ms, 30s or 1m30s, not ${show(text)}${hint}`;
}

function mustBeOneOf(values: readonly string[], value: unknown): string {
  const choice = values.length === 1 ? values[0] : `one of ${values.join(', ')}`;
  if (value === undefined) return `is required; give ${choice}`;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  const isClose = (one: string) =>
    leven(text, one) <= Math.max(1, Math.floor(text.length / 3)) || (text.length > 3 && one.endsWith(text));
  const close = values.find((one) => text !== '' && isClose(one.toLowerCase()));
  return `must be ${choice}, not ${show(value)}${close === undefined ? '' : `; did you mean ${close}?`}`;
}

function atLeast(origin: string, minimum: number, value: unknown): string {
  if (origin === 'string') return `must have at least ${characters(minimum)}, not ${lengthOf(value)}`;
  if (origin === 'array') return `must have at least ${items(minimum)}, not ${lengthOf(value)}`;
  return `must be at least ${minimum}, not ${show(value)}`;
}

function atMost(origin: string, maximum: number, value: unknown): string {
  if (origin === 'string') return `must have at most ${characters(maximum)}, not ${lengthOf(value)}`;
  if (origin === 'array') return `must have at most ${items(maximum)}, not ${lengthOf(value)}`;
  return `must be at most ${maximum}, not ${show(value)}`;
}

const characters = (n: number) => `${n} character${n === 1 ? '' : 's'}`;
const items = (n: number) => `${n} item${n === 1 ? '' : 's'}`;
const lengthOf = (value: unknown) => (value as { readonly length: number }).length;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map',
};

const wanted = ({ expected }: { readonly expected: string }) => KINDS[expected] ?? expected;

/** A value as a person finds it in a file; long ones by their kind. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
