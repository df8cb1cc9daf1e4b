import { expect, it } from '@jest/globals';
import { SLOT_MS, spread } from './slots.ts';

it('spreads what a report counted over the slots since the one before, in whole numbers', () => {
  expect(spread([7, 0], 20_000, 30_000)).toEqual([
    [22_000, [1, 0]],
    [24_000, [2, 0]],
    [26_000, [1, 0]],
    [28_000, [2, 0]],
    [30_000, [1, 0]],
  ]);
  expect(spread([3], 29_999, 30_000)).toEqual([[30_000, [3]]]);
  expect(spread([3], 30_000, 30_000)).toEqual([[30_000, [3]]]);
});

it('puts calls of a long silence into its last half minute', () => {
  const found = spread([300], 0, 900_000);
  expect(found).toHaveLength(30_000 / SLOT_MS);
  expect(found.map(([, [calls]]) => calls)).toEqual(new Array(15).fill(20));
});
