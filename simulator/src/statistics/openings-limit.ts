import { upperRate } from './limits.ts';

/** Openings that are closer than this belong to one burst, because they are not independent. */
const BURST_MS = 600_000;

/** The frequency of false openings, estimated from an observation of calm traffic. */
export interface OpeningsLimit {
  readonly seen: number;
  /** Number of bursts of openings. */
  readonly bursts: number;
  /** Total observed days of all processes. */
  readonly processDays: number;
  /** Maximum number in 30 days of one process, with 95 % confidence, if traffic stays the same. */
  readonly upperPerMonth: number;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;

/**
 * Failures occur in bursts, and so do openings. Therefore bursts are treated as independent, each with as many openings
 * as the largest observed burst.
 *
 * @param openings times of openings, with one list for each observed stretch of a process.
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
