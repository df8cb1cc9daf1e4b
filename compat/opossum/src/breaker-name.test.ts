import { describe, expect, it } from '@jest/globals';
import { claimPlace, leavePlace, policyName } from './breaker-name.ts';

describe('the name that policies match', () => {
  it.each([
    ['payments', 'payments'],
    ['eu/payments:v2', 'eu/payments:v2'],
    ['circuit one', 'circuit-one'],
    ['bound #get', 'bound-get'],
    ['$fetch', 'fetch'],
    ['日本', 'opossum'],
    ['---', 'opossum'],
    ['', 'opossum'],
    [undefined, 'opossum'],
    ['x'.repeat(200), 'x'.repeat(128)],
  ])('of %j is %j', (name, expected) => {
    expect(policyName(name)).toBe(expected);
  });
});

describe('the places of breakers of one name', () => {
  it('are numbered from 1, and a free one is taken again', () => {
    const taken = [1, 2, 3].map(() => claimPlace('shared'));
    leavePlace('shared', 2);
    expect([...taken, claimPlace('shared'), claimPlace('shared'), claimPlace('other')]).toEqual([1, 2, 3, 2, 4, 1]);
    for (const place of [1, 2, 3, 4]) leavePlace('shared', place);
    expect(claimPlace('shared')).toBe(1);
  });

  it('that nobody has can be given back', () => {
    leavePlace('unknown', 1);
    expect(claimPlace('unknown')).toBe(1);
  });
});
