import { expect, it } from '@jest/globals';
import { libraryOf } from './agent-library.ts';

it.each([
  [{ language: 'python', version: '0.1.0', runtime: '3.12.1' }, 'python 0.1.0 on 3.12.1'],
  [{ language: 'node', version: '0.1.0' }, 'node 0.1.0'],
  [{ version: '0.1.0' }, '0.1.0'],
  [{ runtime: '3.12.1' }, 'not known on 3.12.1'],
  [{}, undefined],
])('the library of %j is %j', (said, phrase) => {
  expect(libraryOf(said)).toBe(phrase);
});
