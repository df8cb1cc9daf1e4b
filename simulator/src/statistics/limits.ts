import jstat from 'jstat';

const CONFIDENCE = 0.95;

/**
 * The upper 95 % limit of a rate, from a number of observed events.
 *
 * @param seen number of events.
 * @param exposure length of the observation, in any unit.
 * @returns the maximum rate per unit; infinite without any exposure. Without events, it is 3.0 divided by the exposure.
 */
export function upperRate(seen: number, exposure: number): number {
  return exposure > 0 ? jstat.chisquare.inv(CONFIDENCE, 2 * seen + 2) / (2 * exposure) : Number.POSITIVE_INFINITY;
}

/** The exposure without an event that shows, with 95 % confidence, a rate below a given one. */
export function exposureFor(rate: number): number {
  return jstat.chisquare.inv(CONFIDENCE, 2) / (2 * rate);
}

/** The upper 95 % limit of a share, after Clopper and Pearson. @returns 1 when there were no trials. */
export function upperShare(hits: number, of: number): number {
  return hits >= of ? 1 : jstat.beta.inv(CONFIDENCE, hits + 1, of - hits);
}

/** The lower 95 % limit of a share. */
export function lowerShare(hits: number, of: number): number {
  return hits === 0 ? 0 : jstat.beta.inv(1 - CONFIDENCE, hits, of - hits + 1);
}

/** The value below which a share `p` of sorted values lies. @throws RangeError when there are no values. */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) throw new RangeError('a quantile needs at least one value');
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!;
}

/**
 * The upper 95 % limit of a quantile by order statistics: the smallest value above the quantile with this confidence,
 * for any distribution.
 *
 * @returns undefined when there are too few values: p99.9 needs 2,995.
 */
export function upperQuantile(sorted: ArrayLike<number>, p: number): number | undefined {
  const size = sorted.length;
  if (p ** size > 1 - CONFIDENCE) return undefined;
  let [low, high] = [Math.floor(p * size), size];
  while (low < high) {
    const rank = (low + high) >> 1;
    if (jstat.binomial.cdf(rank - 1, size, p) >= CONFIDENCE) high = rank;
    else low = rank + 1;
  }
  return sorted[Math.min(size, low) - 1];
}

/** The median of values. @returns undefined when there are no values. */
export function median(values: Iterable<number>): number | undefined {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
