import type { PolicySpec, TripReason } from './types.ts';

export type Trip = NonNullable<PolicySpec['trip']>;

/** A field of `trip` that opens the circuit; the others say which calls are looked at. */
export type TripField = Exclude<keyof Trip, 'window' | 'minimumCalls'>;

/** What is compared with a threshold: calls of the window that failed or were slow, or failures in a row. */
export type Measure = 'failures' | 'slow' | 'consecutiveFailures';

/** A condition of `trip`: the circuit opens when what it measures reaches its threshold. */
export interface TripCondition {
  readonly field: TripField;
  /** Why the circuit opened, in events, logs and reports. */
  readonly reason: TripReason;
  readonly measures: Measure;
  /** The threshold is a percentage of the calls, and `minimumCalls` are required. False: a number, of any calls. */
  readonly isRate: boolean;
}

/**
 * Every condition of `trip`. Where several hold, the first of them is the reason; numbers come before rates, because an
 * agent evaluates them in that order.
 */
export const TRIP_CONDITIONS: readonly TripCondition[] = [
  {
    field: 'consecutiveFailures',
    reason: 'consecutive-failures',
    measures: 'consecutiveFailures',
    isRate: false,
  },
  { field: 'failureCount', reason: 'failure-count', measures: 'failures', isRate: false },
  { field: 'failureRate', reason: 'failure-rate', measures: 'failures', isRate: true },
  { field: 'slowCallRate', reason: 'slow-call-rate', measures: 'slow', isRate: true },
];

/**
 * The threshold of each condition in words; the rest of "opens at …". `slowerThanMs` is there where slow calls are
 * measured. Apart from the table, so that it is not part of an agent.
 */
export const TRIP_TEXTS: Readonly<Record<TripField, (threshold: number, slowerThanMs?: number) => string>> = {
  consecutiveFailures: (threshold) => `${threshold} failures in a row`,
  failureCount: (threshold) => `${threshold} failures`,
  failureRate: (threshold) => `${threshold} % failed`,
  slowCallRate: (threshold, slowerThanMs) => `${threshold} % slower than ${slowerThanMs! / 1_000} s`,
};

/** Sums that faded carry an error in their last digits, which must not hide that a threshold is reached. */
export const ROUNDING = 1e-6;

/**
 * Whether a condition holds.
 *
 * @param measured what the condition measures. @param calls how many calls there are; rates need `minimumCalls` of
 * them, which the caller checks.
 */
export function holds({ isRate }: TripCondition, threshold: number, measured: number, calls: number): boolean {
  return isRate ? measured * 100 >= threshold * calls - ROUNDING : measured >= threshold - ROUNDING;
}

/** The threshold of a condition: a number of calls, or a percentage; absent where the policy does not set it. */
export function thresholdOf(trip: Trip, field: TripField): number | undefined {
  const value = trip[field];
  return typeof value === 'object' ? value.thresholdPercent : value;
}

/** Whether a condition needs `minimumCalls`. */
export const hasRate = (trip: { readonly [field in TripField]?: unknown }): boolean =>
  TRIP_CONDITIONS.some(({ field, isRate }) => isRate && trip[field] !== undefined);

/** The fields of conditions in a sentence: `a, b or c`. Absent: of all of them. */
export function fieldsInWords(conditions = TRIP_CONDITIONS): string {
  const fields = conditions.map(({ field }) => field);
  return `${fields.slice(0, -1).join(', ')} or ${fields.at(-1)}`;
}
