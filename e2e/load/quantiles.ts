/** Some times, in ms. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Quantiles by nearest rank: each of them is a time that was measured. All are NaN where nothing was. */
export function quantiles(times: readonly number[]): Quantiles {
  const sorted = [...times].sort((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

/** The least of each quantile over several rounds: what else runs on a machine only ever adds. */
export function least(rounds: readonly Quantiles[]): Quantiles {
  const min = (pick: (round: Quantiles) => number) => rounds.reduce((all, one) => Math.min(all, pick(one)), Infinity);
  return {
    count: rounds.reduce((all, { count }) => all + count, 0),
    p50: min(({ p50 }) => p50),
    p99: min(({ p99 }) => p99),
    max: min(({ max }) => max),
  };
}

export function minus({ count, p50, p99, max }: Quantiles, ms: number): Quantiles {
  return { count, p50: p50 - ms, p99: p99 - ms, max: max - ms };
}
