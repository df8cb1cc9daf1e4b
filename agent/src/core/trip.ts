import { holds, type Measure, ROUNDING, TRIP_CONDITIONS, type TripCondition } from '@fuseboard/schema/trip-conditions';
import type { TripReason } from '@fuseboard/schema/types';

/** The counts that rates are computed from. */
export interface Counts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** A condition that a policy sets. */
interface SetCondition {
  readonly condition: TripCondition;
  readonly threshold: number;
}

/**
 * The conditions of a policy, and for each measure the lowest threshold of its conditions, or infinity. Most
 * evaluations compare only these, because no condition holds.
 */
export interface TripThresholds {
  readonly conditions: readonly SetCondition[];
  /** The lowest thresholds of conditions that count calls. */
  readonly numbers: Readonly<Record<Measure, number>>;
  /** The lowest thresholds of conditions that are percentages. */
  readonly percentages: Readonly<Record<Measure, number>>;
}

const NONE = {
  consecutiveFailures: Number.POSITIVE_INFINITY,
  failures: Number.POSITIVE_INFINITY,
  slow: Number.POSITIVE_INFINITY,
};

/** @param thresholdOf the threshold of a condition; 0: the policy does not set it. */
export function tripThresholds(thresholdOf: (condition: TripCondition) => number): TripThresholds {
  const conditions: SetCondition[] = [];
  const numbers = { ...NONE };
  const percentages = { ...NONE };
  for (const condition of TRIP_CONDITIONS) {
    const threshold = thresholdOf(condition);
    if (threshold === 0) continue;
    conditions.push({ condition, threshold });
    const lowest = condition.isRate ? percentages : numbers;
    lowest[condition.measures] = Math.min(lowest[condition.measures], threshold);
  }
  return { conditions, numbers, percentages };
}

/**
 * The reason of the first condition on a number of calls that holds; undefined when none does.
 *
 * @param consecutive number of consecutive failures.
 * @param overdue calls under way that are slow already.
 */
export function trippedByNumber(
  { conditions, numbers }: TripThresholds,
  { failures, slow }: Omit<Counts, 'calls'>,
  consecutive: number,
  overdue: number,
): TripReason | undefined {
  return consecutive < numbers.consecutiveFailures &&
    failures < numbers.failures - ROUNDING &&
    slow + overdue < numbers.slow - ROUNDING
    ? undefined
    : firstOf(conditions, { consecutiveFailures: consecutive, failures, slow: slow + overdue }, 0);
}

/**
 * The reason of the first condition on a rate that holds; undefined when none does.
 *
 * @param overdue calls under way that are slow already; they count as calls and as slow ones.
 * @param minimum the number of calls from which rates are evaluated.
 */
export function trippedByRate(
  { conditions, percentages }: TripThresholds,
  { calls, failures, slow }: Counts,
  overdue: number,
  minimum: number,
): TripReason | undefined {
  const total = calls + overdue;
  return total < minimum - ROUNDING ||
    (failures * 100 < percentages.failures * total - ROUNDING &&
      (slow + overdue) * 100 < percentages.slow * total - ROUNDING)
    ? undefined
    : firstOf(conditions, { consecutiveFailures: 0, failures, slow: slow + overdue }, total);
}

/** @param calls the total for rates; 0 selects the conditions on numbers. */
function firstOf(
  conditions: readonly SetCondition[],
  measured: Readonly<Record<Measure, number>>,
  calls: number,
): TripReason | undefined {
  return conditions.find(
    ({ condition, threshold }) =>
      condition.isRate === calls > 0 && holds(condition, threshold, measured[condition.measures], calls),
  )?.condition.reason;
}
