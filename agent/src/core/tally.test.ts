import { expect, it } from '@jest/globals';
import { COUNTED, Tally } from './tally.ts';

it('a tally counts on when a counter goes round', () => {
  const page = new Int32Array(100);
  const tally = new Tally({ page, at: 7 });
  page[7] = 2 ** 31 - 1;
  page[7 + COUNTED.rejected] = 2 ** 31 - 1;
  for (let i = 1; i <= 3; i++) {
    tally.tookMs(0);
    tally.add(COUNTED.rejected);
    const count = 2 ** 31 - 1 + i;
    expect(tally.totals()).toMatchObject({ succeeded: count, failed: 0, rejected: count });
    expect(tally.latency().slice(0, 2)).toEqual([count, 0]);
  }
});

it('a tally has every call that ended as a success unless it is told otherwise', () => {
  const tally = new Tally();
  for (const ms of [0, 1, 2, 3, 4, 5]) tally.tookMs(ms);
  tally.add(COUNTED.failed);
  for (let i = 0; i < 2; i++) tally.add(COUNTED.ignored);
  expect(tally.totals()).toMatchObject({ succeeded: 3, failed: 1, ignored: 2 });
});
