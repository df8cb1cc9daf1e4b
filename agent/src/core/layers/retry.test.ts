import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs, RetryBudget } from './retry.ts';

const config = {
  maxAttempts: 5,
  initialMs: 100,
  factor: 2,
  maxMs: 500,
  jitterPercent: 25,
  budgetPercent: 20,
  minPerSecond: 1,
  insideBreaker: false,
};

describe('the wait before a retry', () => {
  it('grows by its factor up to its most', () => {
    expect([1, 2, 3, 4, 9].map((retry) => backoffMs(config, retry, 0, 0))).toEqual([100, 200, 400, 500, 500]);
  });

  it('is longer by chance, but not longer than the most', () => {
    expect(backoffMs(config, 1, 0.5, 0)).toBe(112.5);
    expect(backoffMs(config, 4, 0.999, 0)).toBe(500);
  });

  it('is as long as the dependency asks for', () => {
    expect(backoffMs(config, 1, 0, 450)).toBe(450);
    expect(backoffMs(config, 3, 0, 300)).toBe(400);
    expect(backoffMs(config, 1, 0, 500)).toBe(500);
  });

  it('is not waited at all when the dependency asks for more than the most', () => {
    expect(backoffMs(config, 1, 0, 501)).toBeUndefined();
  });
});

describe('the budget of retries', () => {
  it('gives one retry a second however few calls there are', () => {
    const budget = new RetryBudget();
    expect([0, 10, 999, 1_000, 1_500, 2_000].map((now) => budget.spend(now, 1))).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  it('gives as many as the calls have saved, but does not save for ever', () => {
    const budget = new RetryBudget();
    budget.spend(0, 1);
    for (let i = 0; i < 10; i++) budget.admitted(20);
    expect([budget.spend(1, 1), budget.spend(1, 1), budget.spend(1, 1)]).toEqual([true, true, false]);
    for (let i = 0; i < 100_000; i++) budget.admitted(100);
    let taken = 0;
    while (budget.spend(2, 1)) taken++;
    expect(taken).toBe(100);
  });

  it('gives as many retries in a second as its floor allows', () => {
    const budget = new RetryBudget();
    expect([0, 0, 10, 999, 1_000].map((now) => budget.spend(now, 2))).toEqual([true, true, false, false, true]);
    expect([1_000, 1_001, 2_000, 2_001].map((now) => budget.spend(now, 1))).toEqual([false, false, true, false]);
    expect(new RetryBudget().spend(0, 0)).toBe(false);
  });

  it('never gives more than its share of the calls and its floor', () => {
    const step = fc.record({ pass: fc.nat(3_000), calls: fc.nat(20), retries: fc.nat(20) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.nat(10),
        fc.array(step, { maxLength: 100, size: 'max' }),
        (percent, floor, steps) => {
          const budget = new RetryBudget();
          let [now, calls, taken] = [0, 0, 0];
          for (const step of steps) {
            now += step.pass;
            for (let i = 0; i < step.calls; i++) budget.admitted(percent);
            calls += step.calls;
            for (let i = 0; i < step.retries; i++) if (budget.spend(now, floor)) taken++;
            expect(taken).toBeLessThanOrEqual((calls * percent) / 100 + (now / 1_000 + 1) * floor);
          }
        },
      ),
    );
  });
});
