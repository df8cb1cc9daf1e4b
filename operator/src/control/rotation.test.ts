import { expect, it } from '@jest/globals';
import { Rotation } from './rotation.ts';

const keys = (count: number) => Array.from({ length: count }, (_, i) => `key ${i}`);

it.each([1, 29, 30, 31, 1_000])('brings up each of %i keys once in at most 30 calls, in equal parts', (count) => {
  const rotation = new Rotation();
  const parts: string[][] = [];
  while (parts.flat().length < count) parts.push(rotation.next(keys(count)));
  expect(parts.length).toBeLessThanOrEqual(30);
  expect(parts.flat()).toEqual(keys(count));
  expect(Math.max(...parts.map((part) => part.length))).toBe(Math.ceil(count / 30));
  expect(rotation.next(keys(count))[0]).toBe('key 0');
});

it('takes up what came since with the next round, and has nothing to bring up in an empty set', () => {
  const rotation = new Rotation();
  expect(rotation.next([])).toEqual([]);
  expect(rotation.next(['a', 'b'])).toEqual(['a']);
  expect(rotation.next(['c'])).toEqual(['b']);
  expect(rotation.next(['c'])).toEqual(['c']);
});
