import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { refuseUnknownFields, SPEC_FIELDS } from './known-fields.ts';

const refusal = (options: unknown): unknown => {
  try {
    refuseUnknownFields('payments', options);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('the options of a breaker', () => {
  it.each<[string, unknown, RegExp]>([
    ['a field of a policy beside defaults', { trip: {} }, /has no field "trip"; did you mean defaults: \{ trip \}\?/],
    [
      'a misspelt field',
      { defaults: { tripp: {} } },
      /defaults of breaker "payments" has no field "tripp"; did you mean trip\?/,
    ],
    [
      'a misspelt field further in',
      { defaults: { trip: { failurerate: {} } } },
      /defaults\.trip of .*"failurerate"; did you mean failureRate\?/,
    ],
    [
      'a field far from any',
      { defaults: { retry: { whatever: 5 } } },
      /no field "whatever"; it has maxAttempts, backoff/,
    ],
    ['a misspelt option', { default: {} }, /has no field "default"; did you mean defaults\?/],
    ['an option of opossum', { errorThresholdPercentage: 50 }, /did you mean defaults: \{ trip: \{ failureRate/],
    ['one in the defaults', { defaults: { resetTimeout: 5 } }, /did you mean recovery: \{ openDuration \}\?/],
    ['null', null, /must be an object; it is null/],
    ['a text', 'payments', /must be an object; it is "payments"/],
  ])('refuse %s and say what was meant', (_, options, message) => {
    const error = refusal(options);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
  });

  it.each([{}, { defaults: undefined }, { classify: () => undefined }, { defaults: { perKey: { maxKeys: 5 } } }])(
    'are taken: %p',
    (options) => {
      expect(refusal(options)).toBeUndefined();
    },
  );

  it('know every field that a policy has, and no other', () => {
    const path = new URL('../../../crds/schema/policy.schema.json', import.meta.url);
    const schema = JSON.parse(readFileSync(path, 'utf8')) as Schema;
    const spec = schema.properties?.spec ?? schema;
    expect(fieldsOf(spec)).toEqual(plain(SPEC_FIELDS));
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The fields of a schema; `true` for a field without own fields. */
function fieldsOf({ properties }: Schema, path = ''): unknown {
  if (properties === undefined || path === '/selector/matchLabels') return true;
  return Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, fieldsOf(inner, `${path}/${name}`)]),
  );
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
