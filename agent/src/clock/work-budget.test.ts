import { expect, it } from '@jest/globals';
import { WorkBudget } from './work-budget.ts';

it('lets two seconds of work pass at once', () => {
  const budget = new WorkBudget();
  expect(budget.spend(1_200, 1_200)).toBe(0);
  expect(budget.spend(800, 1_200)).toBe(0);
});

it('keeps what follows to a tenth of the time', () => {
  const budget = new WorkBudget();
  let now = 2_000;
  budget.spend(2_000, now);
  const began = now;
  for (let i = 0; i < 50; i += 1) now += 200 + budget.spend(200, now + 200);
  const share = (50 * 200) / (now - began);
  expect(share).toBeGreaterThan(0.09);
  expect(share).toBeLessThanOrEqual(0.11);
});

it('has two seconds again after a quiet time, and not more', () => {
  const budget = new WorkBudget();
  budget.spend(2_000, 0);
  expect(budget.spend(2_000, 1_000_000)).toBe(0);
  expect(budget.spend(100, 1_000_000)).toBe(1_000);
});
