import { describe, expect, it } from '@jest/globals';
import { canonicalLabels, keysOf, narrows, parseLabels, requirementsOf, type Selector, selects } from './selector.ts';

const expression = (
  key: string,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
  ...values: string[]
): Selector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});

describe('a selector', () => {
  it.each<[Selector | undefined, Record<string, string>, boolean]>([
    [undefined, {}, true],
    [{}, { app: 'x' }, true],
    [{ matchLabels: { app: 'x' } }, { app: 'x', tier: 'web' }, true],
    [{ matchLabels: { app: 'x' } }, { app: 'y' }, false],
    [{ matchLabels: { app: '' } }, {}, false],
    [{ matchLabels: { app: 'x', tier: 'web' } }, { app: 'x' }, false],
    [expression('app', 'In', 'x', 'y'), { app: 'y' }, true],
    [expression('app', 'In', 'x'), {}, false],
    [expression('app', 'NotIn', 'x'), { app: 'y' }, true],
    [expression('app', 'NotIn', 'x'), { app: 'x' }, false],
    [expression('app', 'NotIn', 'x'), {}, true],
    [expression('app', 'Exists'), { app: '' }, true],
    [expression('app', 'Exists'), {}, false],
    [expression('app', 'DoesNotExist'), {}, true],
    [expression('app', 'DoesNotExist'), { app: 'x' }, false],
    [expression('constructor', 'Exists'), {}, false],
  ])('%j on labels %j says %j', (selector, labels, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });

  it('asks for nothing when it is absent or empty', () => {
    for (const empty of [undefined, {}, { matchLabels: {} }, { matchExpressions: [] }])
      expect(narrows(empty)).toBe(false);
    expect(narrows(expression('app', 'Exists'))).toBe(true);
  });

  it('has one spelling for the same requirement', () => {
    const spelled = requirementsOf({ matchLabels: { app: 'x' }, ...expression('app', 'In', 'x') });
    expect(spelled).toEqual(['app In ["x"]']);
    expect(requirementsOf(expression('app', 'In', 'b', 'a'))).toEqual(
      requirementsOf(expression('app', 'In', 'a', 'b')),
    );
    expect(keysOf({ matchLabels: { app: 'x' }, ...expression('tier', 'Exists') })).toEqual(['app', 'tier']);
  });
});

describe('labels', () => {
  it('are read from a list', () => {
    expect(parseLabels('')).toEqual({});
    expect(parseLabels('app=x, tier=,a.b/c=d=e')).toEqual({ app: 'x', tier: '', 'a.b/c': 'd=e' });
    expect(Object.keys(parseLabels('__proto__=x'))).toEqual(['__proto__']);
  });

  it.each([
    ['app', 'labels: "app" is not of the form key=value'],
    ['=x', 'labels: "=x" is not of the form key=value'],
    ['a=1,a=2', 'labels: "a" is given twice'],
  ])('are refused as %j', (text, message) => {
    expect(() => parseLabels(text)).toThrow(message);
  });

  it('have one text whatever their order, over the asked keys', () => {
    expect(canonicalLabels({ b: '1', a: '2' })).toBe(canonicalLabels({ a: '2', b: '1' }));
    expect(canonicalLabels({ b: '1', a: '2' }, ['a', 'c'])).toBe('[["a","2"]]');
  });
});
