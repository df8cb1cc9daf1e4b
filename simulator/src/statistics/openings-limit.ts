import { upperRate } from './limits.ts';

/** Openings that are closer than this come from one burst: they are not independent. */
const BURST_MS = 600_000;

/** What watching calm traffic for a while says about how often a policy opens falsely. */
export interface OpeningsLimit {
  readonly seen: number;
  /** Bursts that they came in. */
  readonly bursts: number;
  /** Days that processes were watched, added up. */
  readonly processDays: number;
  /** At most so many in 30 days of one process, with 95 % confidence and if traffic stays like this. */
  readonly upperPerMonth: number;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;

/**
 * Failures come in bursts, and so do openings: what is taken for independent are the bursts, each with as many openings
 * as the worst that was seen.
 *
 * @param openings when breakers opened, a list for each stretch that one process was watched.
 */
export function openingsLimit(openings: readonly (readonly number[])[], watchedMs: number): OpeningsLimit {
  let [seen, bursts, worst] = [0, 0, 1];
  for (const times of openings) {
    let inBurst = 0;
    times.forEach((at, i) => {
      seen++;
      if (i === 0 || at - times[i - 1]! > BURST_MS) {
        bursts++;
        inBurst = 0;
      }
      worst = Math.max(worst, ++inBurst);
    });
  }
  const processDays = watchedMs / DAY_MS;
  return { seen, bursts, processDays, upperPerMonth: upperRate(bursts, processDays) * worst * MONTH_DAYS };
}
