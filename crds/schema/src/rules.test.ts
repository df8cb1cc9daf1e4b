import { describe, expect, it } from '@jest/globals';
import { specProblems } from './policy.ts';
import { DURATION_CASES, RULE_CASES } from './rules.cases.ts';
import { DURATION_RULE, RULES, violations } from './rules.ts';

describe('the rules across fields', () => {
  it.each(RULE_CASES.map((each) => [each.name, each] as const))('judge %s', (_name, { spec, broken }) => {
    expect(violations(spec).map(({ field }) => field)).toEqual(expect.arrayContaining([...broken]));
    expect(violations(spec)).toHaveLength(broken.length);
    expect(
      specProblems(spec)
        .map(({ field }) => field)
        .sort(),
    ).toEqual(broken.map((field) => `spec.${field}`).sort());
  });

  it.each(RULES.map((rule) => [[rule.path, rule.field].filter(Boolean).join('.'), rule] as const))(
    'have a case that breaks the one on %s, and one that keeps it',
    (_name, rule) => {
      const breaks = ({ spec }: { spec: object }) => violations(spec).some(({ message }) => message === rule.message);
      const path = rule.path.replace('[]', '').split('.').filter(Boolean);
      const has = ({ spec }: { spec: object }) =>
        path.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], spec) !==
        undefined;
      expect(RULE_CASES.some(breaks)).toBe(true);
      expect(RULE_CASES.some((each) => has(each) && !breaks(each))).toBe(true);
    },
  );
});

describe('the bounds of a duration', () => {
  it.each(DURATION_CASES)('judge %s', (text, accepted) => {
    expect((DURATION_RULE.holds as (value: unknown) => boolean)(text)).toBe(accepted);
    expect(specProblems({ breakers: ['a'], timeout: { duration: text } })).toHaveLength(accepted ? 0 : 1);
  });
});
