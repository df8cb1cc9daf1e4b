import { expect, it } from '@jest/globals';
import { growth, type Reading } from './growth.ts';

const ALLOWED = { share: 0.04, least: 1 };
const minutes = (count: number, value: (at: number) => number): Reading[] =>
  Array.from({ length: count }, (_, at) => ({ at, value: value(at) }));
/** Noise that is the same in each run, between -1 and 1. */
const noise = (at: number) => Math.sin(at * 12.9898) * Math.cos(at * 78.233);

it('calls a noisy level steady', () => {
  expect(
    growth(
      minutes(21, (at) => 100 + 3 * noise(at)),
      ALLOWED,
    ),
  ).toMatchObject({ verdict: 'steady' });
});

it('calls a level steady that was reached in the first half', () => {
  expect(
    growth(
      minutes(21, (at) => Math.min(at, 8) * 10 + noise(at)),
      ALLOWED,
    ).verdict,
  ).toBe('steady');
});

it('calls a falling level steady', () => {
  expect(
    growth(
      minutes(21, (at) => 100 - at),
      ALLOWED,
    ),
  ).toMatchObject({ verdict: 'steady', rise: -10 });
});

it('finds a slow leak below the noise', () => {
  expect(
    growth(
      minutes(21, (at) => 100 + 0.6 * at + 3 * noise(at)),
      ALLOWED,
    ).verdict,
  ).toBe('grows');
});

it('finds a leak of a few in a small number', () => {
  expect(
    growth(
      minutes(21, (at) => 10 + Math.floor(at / 4)),
      ALLOWED,
    ).verdict,
  ).toBe('grows');
});

it('is not moved by single readings that are wild', () => {
  const wild = (at: number) => (at === 19 || at === 13 ? 1_000 : 100 + noise(at));
  expect(growth(minutes(21, wild), ALLOWED).verdict).toBe('steady');
  const leaking = (at: number) => (at === 19 || at === 13 ? 0 : 100 + 2 * at);
  expect(growth(minutes(21, leaking), ALLOWED).verdict).toBe('grows');
});

it('says nothing about a run that is too short', () => {
  expect(
    growth(
      minutes(8, (at) => at * 100),
      ALLOWED,
    ).verdict,
  ).toBe('too few readings');
  expect(growth([], ALLOWED).verdict).toBe('too few readings');
});
