import { expect, it } from '@jest/globals';
import { Backoff } from './backoff.ts';

it('waits up to 0.5 s at first and up to 15 s at last', () => {
  const backoff = new Backoff(() => 1);
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
  ]);
});

it('spreads each wait over its whole bound', () => {
  const draws = [0, 0.5, 0.25];
  const backoff = new Backoff(() => draws.shift()!);
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 500, 500]);
});

it('starts over after a reset', () => {
  const backoff = new Backoff(() => 1);
  for (let i = 0; i < 2_000; i++) backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(500);
});
