import { expect, it } from '@jest/globals';
import { changesBetween, type FieldChange } from './history.ts';

it.each<[string, unknown, unknown, FieldChange[]]>([
  ['nothing', { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, []],
  ['a value', { a: { b: 1 } }, { a: { b: 2 } }, [{ field: 'a.b', from: 1, to: 2 }]],
  ['a field that came', { a: {} }, { a: { b: 2 } }, [{ field: 'a.b', to: 2 }]],
  ['a field that went, with all in it', { a: { b: { c: 1 } } }, {}, [{ field: 'a', from: { b: { c: 1 } } }]],
  ['a list, as a whole', { a: [1, 2] }, { a: [2, 1] }, [{ field: 'a', from: [1, 2], to: [2, 1] }]],
  ['what became something else', { a: { b: 1 } }, { a: null }, [{ field: 'a', from: { b: 1 }, to: null }]],
])('tells %s', (_what, before, after, expected) => {
  expect(changesBetween(before, after)).toEqual(expected);
});
