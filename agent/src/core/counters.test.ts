import { expect, it } from '@jest/globals';
import { COUNTER, counterSlab, increment, latencyOf, totalsOf } from './counters.ts';

it('a counter counts on when a counter goes round', () => {
  const row = { page: new Int32Array(100), at: 7 };
  row.page[7] = 2 ** 31 - 1;
  row.page[7 + COUNTER.rejected] = 2 ** 31 - 1;
  for (let i = 1; i <= 3; i++) {
    increment(row.page, 7);
    increment(row.page, 7 + COUNTER.rejected);
    const count = 2 ** 31 - 1 + i;
    expect(totalsOf(row)).toMatchObject({ succeeded: count, failed: 0, rejected: count });
    expect(latencyOf(row).slice(0, 2)).toEqual([count, 0]);
  }
});

it('a counter that wraps twice does not change its neighbours', () => {
  const page = new Int32Array(100);
  for (let turn = 0; turn < 2; turn++) {
    page[7] = 2 ** 31 - 1;
    increment(page, 7);
  }
  expect(latencyOf({ page, at: 7 }).slice(0, 2)).toEqual([2 ** 32, 0]);
});

it('totals count every call that ended as a success unless another outcome is given', () => {
  const row = counterSlab.take();
  const add = (place: number) => increment(row.page, row.at + place);
  for (const bucket of [0, 1, 2, 3, 4, 5]) add(bucket);
  add(COUNTER.failed);
  for (let i = 0; i < 2; i++) add(COUNTER.ignored);
  expect(totalsOf(row)).toMatchObject({ succeeded: 3, failed: 1, ignored: 2 });
});
