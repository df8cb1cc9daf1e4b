import { replay, type Spec } from '../src/replay/replay.ts';
import { openingsLimit } from '../src/statistics/openings-limit.ts';
import { type Made, made } from './generator.ts';

const DAY_SECONDS = 86_400;
/** Five in a row, on traffic whose failures come in bursts of 75 s. */
const SPEC: Spec = { trip: { consecutiveFailures: 5 }, recovery: { openDuration: '30s' } };

/** Calm traffic of which the truth is known. */
export interface CoverageCase {
  readonly name: string;
  readonly days: number;
  readonly traffic: Partial<Made>;
}

const cases = (name: string, days: readonly number[], traffic: Partial<Made>): CoverageCase[] =>
  days.map((each) => ({ name, days: each, traffic }));

export const COVERAGE_CASES: readonly CoverageCase[] = [
  ...cases('bursts, one in two days', [1, 3], { burstsPerHour: 0.02 }),
  ...cases('bursts, twelve a day', [1, 3], { burstsPerHour: 0.5 }),
  ...cases('bursts in bad hours: two a day have 20 times as many', [1, 3, 7], {
    burstsPerHour: 0.1,
    stormsPerDay: 2,
  }),
  ...cases('bursts in bad half days: one in two days has 5 times as many', [1, 3, 7], {
    burstsPerHour: 0.1,
    stormsPerDay: 0.5,
    stormMs: 12 * 3_600_000,
    stormTimes: 5,
  }),
];

function openings(days: number, traffic: Partial<Made>, seed: number): number[] {
  const { transitions } = replay(SPEC, made(fullTraffic(days, traffic), seed));
  return transitions.filter(({ from, to }) => from === 'closed' && to === 'open').map(({ at }) => at);
}

const fullTraffic = (days: number, traffic: Partial<Made>): Made => ({
  seconds: days * DAY_SECONDS,
  rate: 0.1,
  failing: 0.01,
  burstMs: 75_000,
  ...traffic,
});

/**
 * How often the limit that a short record gives holds what a long one shows. The more bursts, and the more they depend
 * on each other, the less room it has.
 */
export function coverage(
  { days, traffic }: CoverageCase,
  runs: number,
  truthDays: number,
): { readonly held: number; readonly perMonth: number } {
  const perMonth = (openings(truthDays, traffic, 1).length / truthDays) * 30;
  let held = 0;
  for (let run = 0; run < runs; run++) {
    const { upperPerMonth } = openingsLimit([openings(days, traffic, run + 2)], days * DAY_SECONDS * 1_000);
    if (upperPerMonth >= perMonth) held++;
  }
  return { held, perMonth };
}
