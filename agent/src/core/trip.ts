import type { Config } from './config/config.ts';
import type { Reason } from './state.ts';

/** What rates are taken of. */
export interface Counts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** Sums that faded carry an error in their last digits, which must not hide that a threshold is reached. */
const ROUNDING = 1e-6;

/** The condition on single failures that holds, if any. */
export function trippedByFailures(config: Config, failures: number, consecutive: number): Reason | undefined {
  const { consecutiveFailures, failureCount } = config;
  if (consecutiveFailures !== 0 && consecutive >= consecutiveFailures) return 'consecutive-failures';
  return failureCount !== 0 && failures >= failureCount - ROUNDING ? 'failure-count' : undefined;
}

/**
 * The rate that has reached its threshold, if any.
 *
 * @param overdue calls under way that are slow already; they are in the total and slow.
 * @param minimum how many calls a rate needs.
 */
export function trippedByRate(config: Config, counts: Counts, overdue: number, minimum: number): Reason | undefined {
  const total = counts.calls + overdue;
  if (total < minimum - ROUNDING) return undefined;
  if (reaches(counts.failures, total, config.failureRatePercent)) return 'failure-rate';
  return reaches(counts.slow + overdue, total, config.slowRatePercent) ? 'slow-call-rate' : undefined;
}

function reaches(part: number, total: number, percent: number): boolean {
  return percent !== 0 && part * 100 >= percent * total - ROUNDING;
}
