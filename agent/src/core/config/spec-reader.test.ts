import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../../test/config-of.ts';
import { Circuit } from '../circuit.ts';
import { compile } from './config.ts';

const app = { key: 'app', operator: 'Exists' };
const names = (count: number) => Array.from({ length: count }, (_, i) => `name${i}`);
const refusal = (spec: object) => {
  const compiled = compile(spec);
  return compiled.ok ? 'used' : `${compiled.field} ${compiled.message}`;
};

describe('a spec', () => {
  it.each([
    [
      'every operator',
      { selector: { matchExpressions: ['Exists', 'DoesNotExist'].map((operator) => ({ key: 'a', operator })) } },
    ],
    [
      'values',
      { selector: { matchExpressions: ['In', 'NotIn'].map((operator) => ({ key: 'a', operator, values: ['v'] })) } },
    ],
    ['sixteen expressions', { selector: { matchExpressions: Array(16).fill(app) } }],
    ['128 names', { classify: { failure: { errorNames: names(128) } } }],
    ['all of a share', { recovery: { jitterPercent: 100 } }],
    ['no fallback', { fallback: { type: 'None' } }],
    ['a label left undefined', { selector: { matchLabels: { app: undefined } } }],
    ['null as a value', { fallback: { type: 'Static', static: { value: null } } }],
  ])('with %s is used', (_what, spec) => {
    expect(refusal(spec)).toBe('used');
  });

  it.each([
    [
      { selector: { matchExpressions: [{ key: 'no key!', operator: 'Exists' }] } },
      'spec.selector.matchExpressions[0].key must be a label key; it is "no key!"',
    ],
    [
      { selector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['no!'] }] } },
      'spec.selector.matchExpressions[0].values[0] must be a label value; it is "no!"',
    ],
    [
      { selector: { matchExpressions: Array(17).fill(app) } },
      'spec.selector.matchExpressions must be a list of at most 16 objects; it is a list of 17',
    ],
    [{ selector: { matchLabels: { app: 5 } } }, 'spec.selector.matchLabels.app must be a label value; it is 5'],
    [
      { classify: { ignore: { errorCodes: [''] } } },
      'spec.classify.ignore.errorCodes[0] must be a string of 1 to 256 characters; it is ""',
    ],
    [
      { classify: { failure: { errorNames: [''] } } },
      'spec.classify.failure.errorNames[0] must be a string of 1 to 256 characters; it is ""',
    ],
    [
      { classify: { failure: { errorNames: names(129) } } },
      'spec.classify.failure.errorNames must be a list of at most 128, each a string of 1 to 256 characters; it is a list of 129',
    ],
    [
      { fallback: { type: 'LastSuccess', maxAge: 'x' } },
      'spec.fallback.maxAge must be a duration such as 250ms, 30s or 1m30s, from 1ms to 24h; it is "x"',
    ],
    [
      { recovery: { jitterPercent: 101 } },
      'spec.recovery.jitterPercent must be a whole number from 0 to 100; it is 101',
    ],
    [{ mode: 'x'.repeat(62) }, `spec.mode must be one of Enforce, Shadow, Disabled; it is "${'x'.repeat(62)}"`],
    [{ mode: 'x'.repeat(63) }, `spec.mode must be one of Enforce, Shadow, Disabled; it is "${'x'.repeat(63)}…`],
  ])('%j is refused with field and reason', (spec, message) => {
    expect(refusal(spec)).toBe(message);
  });

  it('that no text can hold is refused', () => {
    const value: unknown[] = [];
    value.push(value);
    expect(refusal({ fallback: { type: 'Static', static: { value } } })).toMatch(/nests more than 50 levels deep$/);
    expect(refusal({ fallback: { type: 'Static', static: { value: 1n } } })).toMatch(/must be JSON; it is 1$/);
    const silent = { toJSON: () => undefined };
    expect(refusal({ fallback: { type: 'Static', static: { value: silent } } })).toMatch(
      /must be JSON; it is an object$/,
    );
  });
});

describe('a permit that fails', () => {
  const made = (classify: object) => {
    const host = { clock: { now: () => 0 }, random: () => 0, wallNow: () => 0, transitioned() {} };
    return new Circuit(configOf({ classify }), host);
  };

  it('is a failure without an error, and judged by the policy with one', () => {
    const circuit = made({ failure: { errorNames: ['TypeError'] } });
    circuit.enter()!.fail();
    expect(circuit.totals()).toMatchObject({ failed: 1, succeeded: 0 });
    circuit.enter()!.fail(new TypeError('x'));
    expect(circuit.totals()).toMatchObject({ failed: 2, succeeded: 0 });
    circuit.enter()!.fail(new RangeError('x'));
    expect(circuit.totals()).toMatchObject({ failed: 2, succeeded: 1 });
  });
});
