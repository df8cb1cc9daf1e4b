import { expect, it } from '@jest/globals';
import { sparkLine } from './spark-line.ts';

it('draws numbers as bars, the highest at full height and zero as a blank', () => {
  expect(sparkLine([0, 1, 4, 8], 10)).toBe(' ▂▅█');
  expect(sparkLine([0, 0], 10)).toBe('  ');
  expect(sparkLine([], 10)).toBe('');
});

it('adds up neighbours where the line is too short', () => {
  expect(sparkLine([1, 1, 0, 0, 2, 2], 3)).toBe('▅ █');
});
