import { expect, it } from '@jest/globals';
import { TextColumn } from './text-column.ts';

it('a column gives texts back by their slots, and refuses more than it can tell apart', () => {
  const column = new TextColumn();
  column.grow(4);
  for (const [slot, text] of ['a', undefined, 'b', 'a'].entries()) column.set(slot, text);
  column.grow(8);
  expect([0, 1, 2, 3].map((slot) => column.get(slot))).toEqual(['a', undefined, 'b', 'a']);
  for (let at = 0; at < 65_533; at++) column.set(0, `text ${at}`);
  expect(column.get(2)).toBe('b');
  expect(() => column.set(0, 'one more')).toThrow('more than 65,535 distinct texts');
});
