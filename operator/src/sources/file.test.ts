import { describe, expect, it } from '@jest/globals';
import { parsePolicyFile } from './file.ts';

const document = (over: string) => `apiVersion: fuseboard.dev/v1alpha1
kind: CircuitBreakerPolicy
metadata:
  name: payments
spec:
  breakers: [payments]
${over}`;

const wrong = (text: string) => {
  const { problems, policies } = parsePolicyFile(text);
  return [...problems, ...policies.flatMap((policy) => policy.problems)].map(
    ({ line, field, message }) => `${line} ${field}: ${message}`,
  );
};

describe('a policy file', () => {
  it.each<[string, string, RegExp]>([
    ['syntax', 'a: [1\nb: 2\n', /^[123] : /],
    ['a key that comes twice', document('  breakers: [x]\n'), /^7 : Map keys must be unique/],
    ['a list', '- 1\n', /^1 : is not a CircuitBreakerPolicy but a list$/],
    ['a word', 'hello\n', /^1 : is not a CircuitBreakerPolicy but a plain value$/],
    [
      'a misspelled kind',
      document('').replace('BreakerPolicy', 'BraekerPolicy').replace('fuseboard.dev', 'fuseboard.io'),
      /^2 kind: must be .* not "CircuitBraekerPolicy"; did you mean CircuitBreakerPolicy\?$/,
    ],
    [
      'an unknown kind of the group',
      document('').replace('CircuitBreakerPolicy', 'Policy'),
      /^2 kind: must be .* not "Policy"$/,
    ],
    ['no kind', 'breakers: [a]\n', /^1 kind: must be .* not absent$/],
    ['another version', document('').replace('v1alpha1', 'v9'), /^1 apiVersion: must be fuseboard\.dev\/v1alpha1, not/],
    [
      'no name',
      document('').replace('name: payments', 'labels: {}'),
      /^3 metadata\.name: is required; give a name, such as payments$/,
    ],
    [
      'a number for a name',
      document('').replace('name: payments', 'name: 12'),
      /^4 metadata\.name: must be .*, not 12$/,
    ],
    ['a name that is none', document('').replace('name: payments', 'name: Pay_ments'), /^4 metadata\.name: /],
    ['no spec', 'apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: a }\n', /^1 spec: /],
    [
      'a wrong value deep inside',
      document('  trip:\n    failureRate:\n      thresholdPercent: 101\n'),
      /^9 spec\.trip\.failureRate\.thresholdPercent: /,
    ],
    ['a wrong element', document('').replace('[payments]', '\n    - good\n    - "b ad"'), /^8 spec\.breakers\[1\]: /],
    ['an unknown field', document('  nonsense: 1\n'), /^7 spec\.nonsense: is not a field; /],
    [
      'an unknown field deep inside',
      document('  trip:\n    failureRat:\n      a: 1\n'),
      /^8 spec\.trip\.failureRat: .* did you mean "failureRate"/,
    ],
  ])('with %s is named with its line', (_what, text, expected) => {
    expect(wrong(text)).toEqual([expect.stringMatching(expected)]);
  });

  it('that expands without end is a problem and no loss of time', () => {
    const bomb = [
      'a: &a [x, x]',
      ...'bcdefghijkl'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefghijk'[i]}, `.repeat(9)}]`),
    ];
    expect(wrong(bomb.join('\n'))).toEqual([expect.stringMatching(/alias/i)]);
  });

  it('may be empty, or hold nothing but comments', () => {
    for (const text of ['', '# nothing\n', '---\n---\n'])
      expect(parsePolicyFile(text)).toEqual({ policies: [], overrides: [], problems: [], others: 0 });
  });

  it('passes over objects of other kinds and counts them', () => {
    const rendered = `apiVersion: v1\nkind: ConfigMap\n---\n${document('')}---\napiVersion: apps/v1\nkind: Deployment\n`;
    const { policies, problems, others } = parsePolicyFile(rendered);
    expect({ policies: policies.length, problems, others }).toEqual({ policies: 1, problems: [], others: 2 });
  });

  it.each(['List', 'CircuitBreakerPolicyList'])('reads the objects of a %s, each with its own lines', (kind) => {
    const item = (text: string) => `- ${text.trimEnd().replaceAll('\n', '\n  ')}\n`;
    const items = [document(''), document('  mode: Maybe\n'), 'apiVersion: v1\nkind: Service\n'].map(item).join('');
    const text = `apiVersion: v1\nkind: ${kind}\nitems:\n${items}`;
    const { policies, others } = parsePolicyFile(text);
    expect(policies.map(({ line }) => line)).toEqual([7, 13]);
    expect(others).toBe(1);
    expect(wrong(text)).toEqual([expect.stringMatching(/^16 spec\.mode: /)]);
  });

  it('keeps the spec as it is spelled', () => {
    const [policy] = parsePolicyFile(document('  mode: Shadow\n')).policies;
    expect(JSON.stringify(policy!.spec)).toBe('{"breakers":["payments"],"mode":"Shadow"}');
    expect(policy).toMatchObject({ namespace: 'default', name: 'payments', line: 4, problems: [] });
  });
});

describe('an override in a file', () => {
  const override = (end: string) =>
    document('')
      .replace('CircuitBreakerPolicy', 'CircuitBreakerOverride')
      .concat(`  action: ForceOpen\n  reason: the partner asked\n  ${end}\n`);

  it('is read beside policies', () => {
    const parsed = parsePolicyFile(`${document('')}---\n${override('expiresAt: "2999-01-01T00:00:00Z"')}`);
    expect(parsed.policies).toHaveLength(1);
    expect(parsed.overrides).toMatchObject([{ namespace: 'default', name: 'payments', line: 11, problems: [] }]);
  });

  it.each([
    ['duration: 10m', 9, 'spec.duration: counts from the creation, which a file does not have; give expiresAt'],
    ['expiresAt: noon', 10, 'spec.expiresAt: must be a time'],
  ])('with %s is named with its line', (end, _line, message) => {
    const [found] = parsePolicyFile(override(end)).overrides;
    const [problem] = found!.problems;
    expect(problem!.line).toBe(9);
    expect(`${problem!.field}: ${problem!.message}`).toContain(message);
  });
});
