import { describe, expect, it } from '@jest/globals';
import { FairBudget } from './fair-budget.ts';

describe('a budget of all and of each', () => {
  it('asks for the own one first, so that who has spent it takes nothing from the others', () => {
    const budget = new FairBudget({ perKey: 2, total: 10, clock: { now: () => 0 } });
    const answers = Array.from({ length: 1_000 }, () => budget.take('evil'));
    expect(answers.slice(0, 3)).toEqual([undefined, undefined, 'own']);
    expect(['a', 'b', 'c', 'd'].map((key) => budget.take(key))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('keeps its second half for those who have half of their own left', () => {
    const budget = new FairBudget({ perKey: 4, total: 20, clock: { now: () => 0 } });
    for (let i = 0; i < 3; i += 1) for (const key of ['x', 'y', 'z', 'w']) budget.take(key);
    expect(budget.take('x')).toBe('all');
    expect(budget.take('good')).toBeUndefined();
  });

  it('fills again with time, and lets a debt be earned first', () => {
    let now = 0;
    const budget = new FairBudget({ perKey: 10, total: 100, clock: { now: () => now } });
    expect(budget.take('a', 20)).toBeUndefined();
    expect(budget.take('a')).toBe('own');
    now = 1_000;
    expect(budget.take('a')).toBe('own');
    now = 1_100;
    expect(budget.take('a')).toBeUndefined();
  });

  it('charges a key that was idle in full', () => {
    let now = 0;
    const budget = new FairBudget({ perKey: 10, total: 100, clock: { now: () => now } });
    budget.take('a');
    now = 100_000;
    budget.take('a', 20);
    expect(budget.take('a')).toBe('own');
    now = 101_000;
    expect(budget.take('a')).toBe('own');
    now = 101_100;
    expect(budget.take('a')).toBeUndefined();
  });

  it('is exhausted when nothing is left for any key', () => {
    const budget = new FairBudget({ perKey: 100, total: 2, clock: { now: () => 0 } });
    for (const key of ['a', 'b']) budget.take(key);
    expect(budget.exhausted).toBe(true);
    expect(budget.take('c')).toBe('all');
  });

  it('owes no more than one request, however many ask for more than is left', () => {
    const budget = new FairBudget({ perKey: 10, burst: 50, total: 100, clock: { now: () => 0 } });
    const admitted = Array.from({ length: 1_000 }, (_, i) => budget.take(`evil-${i}`, 30)).filter((one) => !one);
    expect(admitted).toHaveLength(4);
    expect(budget.exhausted).toBe(true);
    budget.giveBack('evil-0', 30);
    expect(budget.exhausted).toBe(false);
  });

  it('leaves its second half to keys, whatever comes without one', () => {
    const budget = new FairBudget({ perKey: 10, total: 100, clock: { now: () => 0 } });
    const answers = Array.from({ length: 1_000 }, () => budget.take(undefined));
    expect(answers.filter((one) => one === undefined)).toHaveLength(51);
    expect(budget.take('pod')).toBeUndefined();
  });
});
