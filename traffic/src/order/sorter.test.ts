import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Call } from '../call.ts';
import { SlotBudget, Sorter } from './sorter.ts';

const call = (start: number, more: Partial<Call> = {}): Call => ({
  start,
  durationMs: 1,
  outcome: 'success',
  breaker: 'a',
  ...more,
});

describe('a sorter', () => {
  it('gives every call back as it came, ordered by start and then by arrival', () => {
    const calls = fc.array(
      fc.record({
        start: fc.integer({ min: 0, max: 50 }),
        durationMs: fc.double({ min: 0, max: 1e6, noNaN: false }),
        outcome: fc.constantFrom('success' as const, 'failure' as const, 'ignored' as const, 'rejected' as const),
        breaker: fc.string(),
      }),
    );
    fc.assert(
      fc.property(calls, (given) => {
        const sorter = new Sorter(new SlotBudget(1e6));
        for (const one of given) sorter.push(one);
        sorter.release(Number.POSITIVE_INFINITY);
        expect(sorter.take()).toEqual([...given].sort((a, b) => a.start - b.start));
      }),
    );
  });

  it('keeps optional fields, and leaves absent ones absent', () => {
    const sorter = new Sorter(new SlotBudget(10));
    const full = call(1, { status: 0, error: 'timeout', instance: 'i', key: 'k', from: 'f' });
    sorter.push(full);
    sorter.push(call(2));
    sorter.release(3);
    expect(sorter.take()).toStrictEqual([full, call(2)]);
  });

  it('lets only calls go that started before the given time', () => {
    const sorter = new Sorter(new SlotBudget(10));
    for (const start of [3, 1, 2]) sorter.push(call(start));
    sorter.release(3);
    expect(sorter.take().map(({ start }) => start)).toEqual([1, 2]);
    expect(sorter.frontier).toBe(2);
    expect(sorter.take()).toEqual([]);
  });

  it('lets the earliest go when all sorters together hold as many as may be held', () => {
    const budget = new SlotBudget(3);
    const [one, other] = [new Sorter(budget), new Sorter(budget)];
    other.push(call(9));
    for (const start of [5, 1, 2]) one.push(call(start));
    expect(one.take().map(({ start }) => start)).toEqual([1]);
    expect([one.frontier, budget.used]).toEqual([1, 3]);
  });

  it('continues past its first thousand', () => {
    const sorter = new Sorter(new SlotBudget(1e6));
    for (let start = 5000; start > 0; start--) sorter.push(call(start));
    sorter.release(Number.POSITIVE_INFINITY);
    const batches: Call[][] = [];
    for (let taken = sorter.take(); taken.length > 0; taken = sorter.take()) batches.push(taken);
    expect(batches.flat().map(({ start }) => start)).toEqual(Array.from({ length: 5000 }, (_, at) => at + 1));
    expect(batches).toHaveLength(5);
  });
});
