import { expect, it } from '@jest/globals';
import { dropOldest } from './drop-oldest.ts';

it('keeps so many entries of a map, the newest ones', () => {
  const entries = new Map([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  dropOldest(entries, 3);
  expect([...entries.keys()]).toEqual(['a', 'b', 'c']);
  dropOldest(entries, 2);
  expect([...entries.keys()]).toEqual(['b', 'c']);
});
