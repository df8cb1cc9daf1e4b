import { expect, it } from '@jest/globals';
import { retryAfterScheduler } from './retry-after.ts';

const setup = (perSecond: number) => {
  const clock = { time: 0, now: () => clock.time };
  return { clock, next: retryAfterScheduler(perSecond, clock) };
};

it('asks a storm to retry one after the other, as fast as it can be let in', () => {
  const { next } = setup(500);
  const waits = Array.from({ length: 9_500 }, next);
  expect(waits[0]).toBe(1_002);
  expect(waits.every((wait, i) => i === 0 || wait > waits[i - 1]!)).toBe(true);
  expect(waits.at(-1)).toBeCloseTo(20_000, 5);
});

it('never assigns a retry time that has passed', () => {
  const { clock, next } = setup(10);
  for (let i = 0; i < 50; i += 1) next();
  clock.time = 4_000;
  expect(next()).toBe(2_100);
  clock.time = 60_000;
  expect(next()).toBe(1_100);
});

it('makes no caller wait for more than two minutes', () => {
  const { next } = setup(1);
  const waits = Array.from({ length: 500 }, next);
  expect(Math.max(...waits)).toBe(120_000);
});
