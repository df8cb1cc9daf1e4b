import { replay, type Spec } from '../src/replay/replay.ts';
import { openingsLimit } from '../src/statistics/openings-limit.ts';
import { made } from './generator.ts';

const DAY_SECONDS = 86_400;
/** Five in a row, on traffic whose failures come in bursts of ten seconds. */
const SPEC: Spec = { trip: { consecutiveFailures: 5 }, recovery: { openDuration: '30s' } };
const traffic = (days: number, burstsPerHour: number) => ({
  seconds: days * DAY_SECONDS,
  rate: 0.5,
  failing: 0.01,
  burstsPerHour,
  burstMs: 15_000,
});

function openings(days: number, burstsPerHour: number, seed: number): number[] {
  return replay(SPEC, made(traffic(days, burstsPerHour), seed))
    .transitions.filter(({ from, to }) => from === 'closed' && to === 'open')
    .map(({ at }) => at);
}

/** How often the limit that a short record gives holds what a long one shows. The more bursts, the less room it has. */
export function coverage(
  runs: number,
  days: number,
  truthDays: number,
  burstsPerHour = 0.02,
): { readonly held: number; readonly perMonth: number } {
  const perMonth = (openings(truthDays, burstsPerHour, 1).length / truthDays) * 30;
  let held = 0;
  for (let run = 0; run < runs; run++) {
    const { upperPerMonth } = openingsLimit([openings(days, burstsPerHour, run + 2)], days * DAY_SECONDS * 1_000);
    if (upperPerMonth >= perMonth) held++;
  }
  return { held, perMonth };
}
