import { expect, it } from '@jest/globals';
import { FailingKeys } from './failing-keys.ts';

it('tells of each trouble once, and of the end when the last key is well or gone', () => {
  const failing = new FailingKeys();
  expect(failing.failed('a', '422')).toBe(true);
  expect(failing.failed('a', '422')).toBe(false);
  expect(failing.failed('b', '422')).toBe(false);
  expect(failing.ended('other')).toBe(false);
  expect(failing.failed('b', '500')).toBe(true);
  expect(failing.ended('a')).toBe(false);
  expect(failing.ended('b')).toBe(true);
  expect(failing.ended('b')).toBe(false);
  expect(failing.failed('a', '422')).toBe(true);
});
