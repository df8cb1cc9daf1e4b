import { expect, it } from '@jest/globals';
import { Slab } from './slab.ts';

it('a slab gives out rows of zeros that do not overlap', () => {
  const slab = new Slab(3);
  const rows = Array.from({ length: 100 }, () => slab.take());
  for (const { page, at } of rows) expect([...page.slice(at, at + 3)]).toEqual([0, 0, 0]);
  rows.forEach(({ page, at }, i) => {
    page.fill(i, at, at + 3);
  });
  rows.forEach(({ page, at }, i) => {
    expect([...page.slice(at, at + 3)]).toEqual([i, i, i]);
  });
  expect(new Set(rows.map(({ page }) => page)).size).toBeLessThan(10);
});
