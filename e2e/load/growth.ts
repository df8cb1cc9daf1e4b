/** One reading of a quantity. */
export interface Reading {
  /** In minutes since the run began. */
  readonly at: number;
  readonly value: number;
}

/** How much a quantity may grow within the second half of a run: the greater of the two. */
export interface Allowance {
  /** Of its median. */
  readonly share: number;
  /** In its own unit. */
  readonly least: number;
}

export interface Growth {
  /** The median over the second half. */
  readonly median: number;
  /** By how much the trend rose over the second half; negative when it fell. */
  readonly rise: number;
  readonly allowed: number;
  readonly verdict: 'steady' | 'grows' | 'too few readings';
}

/** Fewer readings than this in the second half show no trend. */
const LEAST_READINGS = 5;

/**
 * Whether a quantity grows. The trend is the median of the slopes between all pairs of readings (Theil-Sen), over the
 * second half of the run: the first is for what is filled once, and up to a quarter of the readings may be wild without
 * moving the trend.
 */
export function growth(readings: readonly Reading[], { share, least }: Allowance): Growth {
  const [first, last] = [readings.at(0)?.at ?? 0, readings.at(-1)?.at ?? 0];
  const half = readings.filter(({ at }) => at >= (first + last) / 2);
  const slopes = half.flatMap((from, i) => half.slice(i + 1).map((to) => (to.value - from.value) / (to.at - from.at)));
  const middle = median(half.map(({ value }) => value));
  const rise = slopes.length === 0 ? 0 : median(slopes) * (half.at(-1)!.at - half[0]!.at);
  const allowed = Math.max(least, share * middle);
  const enough = half.length >= LEAST_READINGS;
  return {
    median: middle,
    rise,
    allowed,
    verdict: enough ? (rise > allowed ? 'grows' : 'steady') : 'too few readings',
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
