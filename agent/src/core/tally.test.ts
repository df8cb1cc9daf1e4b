import { expect, it } from '@jest/globals';
import { COUNTED, Tally } from './tally.ts';

it('a tally counts on when a counter goes round', () => {
  const page = new Int32Array(100).fill(2 ** 31 - 1, 7 + COUNTED.succeeded, 8 + COUNTED.succeeded);
  const tally = new Tally({ page, at: 7 });
  for (let i = 1; i <= 3; i++) {
    tally.add(COUNTED.succeeded);
    expect(tally.totals()).toMatchObject({ succeeded: 2 ** 31 - 1 + i, failed: 0 });
  }
});
