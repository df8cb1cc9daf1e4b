import { exposureFor, upperRate } from './limits.ts';

/**
 * Openings that are closer than this belong to one burst, because they are not independent. Bursts depend on each other
 * too: there are bad hours and bad half days. How far the dependence reaches is not known, so all of these are tried.
 */
const BURST_MS = [600_000, 3_600_000, 6 * 3_600_000];

/** The frequency of false openings, estimated from an observation of calm traffic. */
export interface OpeningsLimit {
  readonly seen: number;
  /** Number of bursts of openings, ten minutes apart. */
  readonly bursts: number;
  /** Total observed days of all processes. */
  readonly processDays: number;
  /** Maximum number in 30 days of one process, with 95 % confidence, if traffic stays the same. */
  readonly upperPerMonth: number;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
/** The longest stretch in which bursts are taken to depend on each other. */
const DEPENDENT_DAYS = BURST_MS.at(-1)! / DAY_MS;
/** No more of a short record than this is left out. */
const MOST_LEFT_OUT = 0.5;

/**
 * Failures occur in bursts, and so do openings. Therefore bursts are treated as independent, each with as many
 * openings as the largest observed burst. The limit is the highest over bursts that are ten minutes, an hour and six
 * hours apart. A kind of burst that the record does not show is not in it.
 *
 * A day without an opening may be one without a bad hour. Bursts within six hours depend on each other, and a record of
 * n such stretches is worth n - 1, as with a variance. So the record counts six hours less, but at least half of it.
 *
 * @param openings times of openings, with one list for each observed stretch of a process.
 */
export function openingsLimit(openings: readonly (readonly number[])[], watchedMs: number): OpeningsLimit {
  const processDays = watchedMs / DAY_MS;
  const independentDays = processDays - Math.min(DEPENDENT_DAYS, MOST_LEFT_OUT * processDays);
  const scales = BURST_MS.map((apartMs) => burstsOf(openings, apartMs));
  const limits = scales.map(({ bursts, worst }, scale) => {
    // A short record shows few bursts that last for hours, and hardly the worst: one opening more is assumed.
    const most = scale > 0 && bursts > 0 ? worst + 1 : worst;
    return upperRate(bursts, independentDays) * most * MONTH_DAYS;
  });
  return {
    seen: openings.reduce((sum, times) => sum + times.length, 0),
    bursts: scales[0]!.bursts,
    processDays,
    upperPerMonth: Math.max(...limits),
  };
}

/** The process-days without an opening that show, with 95 % confidence, at most so many openings in 30 days. */
export function daysToShow(perMonth: number): number {
  return exposureFor(perMonth / MONTH_DAYS) + DEPENDENT_DAYS;
}

/** The number of bursts that are so far apart, and the openings of the largest. */
function burstsOf(openings: readonly (readonly number[])[], apartMs: number) {
  let [bursts, worst] = [0, 1];
  for (const times of openings) {
    let inBurst = 0;
    times.forEach((at, i) => {
      if (i === 0 || at - times[i - 1]! > apartMs) {
        bursts++;
        inBurst = 0;
      }
      worst = Math.max(worst, ++inBurst);
    });
  }
  return { bursts, worst };
}
