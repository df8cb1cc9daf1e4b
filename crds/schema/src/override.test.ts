import { describe, expect, it } from '@jest/globals';
import { OVERRIDE_CASES } from './override.cases.ts';
import { OVERRIDE_RULES, overrideProblems } from './override.ts';

describe('the spec of an override', () => {
  it.each(OVERRIDE_CASES.map((each) => [each.name, each] as const))('is judged: %s', (_name, { spec, broken }) => {
    expect(overrideProblems(spec).map(({ field }) => field)).toEqual(broken.map((field) => `spec.${field}`));
  });

  it.each(OVERRIDE_RULES.map((rule) => [rule.field, rule] as const))(
    'has a case that breaks the rule on %s',
    (_field, rule) => {
      expect(
        OVERRIDE_CASES.some(({ spec }) => overrideProblems(spec).some(({ message }) => message === rule.message)),
      ).toBe(true);
    },
  );

  it.each(['text', null, 1, []])('cannot be %j', (spec) => {
    expect(overrideProblems(spec)).not.toEqual([]);
  });

  it('names the field that does not exist', () => {
    expect(overrideProblems({ ...OVERRIDE_CASES[0]!.spec, until: 'noon' })).toEqual([
      { field: 'spec.until', message: expect.stringMatching(/^is not a field; the fields here are breakers, /) },
    ]);
  });
});
