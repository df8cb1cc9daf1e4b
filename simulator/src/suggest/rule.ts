import { formatDuration } from '@fuseboard/schema/duration';
import type { Spec } from '../replay/replay.ts';

/** The window of the rates. */
export type Form = { readonly type: 'Time'; readonly ms: number } | { readonly type: 'Count'; readonly size: number };

/** The values of a policy that a search varies. Times are milliseconds. */
export interface Rule {
  readonly form: Form;
  readonly minimumCalls: number;
  readonly failurePercent: number;
  readonly consecutiveFailures: number;
  /** The condition on slow calls; absent when durations are not reliable. */
  readonly slow?: SlowRule;
  readonly openMs: number;
}

export interface SlowRule {
  readonly percent: number;
  readonly slowerThanMs: number;
}

/** The policy of a rule. */
export function specOf({ form, minimumCalls, failurePercent, consecutiveFailures, slow, openMs }: Rule): Spec {
  return {
    trip: {
      window:
        form.type === 'Time' ? { type: 'Time', duration: formatDuration(form.ms) } : { type: 'Count', size: form.size },
      minimumCalls,
      failureRate: { thresholdPercent: failurePercent },
      ...(slow === undefined
        ? {}
        : { slowCallRate: { thresholdPercent: slow.percent, slowerThan: formatDuration(slow.slowerThanMs) } }),
      consecutiveFailures,
    },
    recovery: { openDuration: formatDuration(openMs) },
  };
}

/** Rounds up to two significant digits: 1,234 becomes 1,300. */
export function twoDigits(value: number): number {
  const unit = Math.max(1, 10 ** (Math.floor(Math.log10(Math.max(1, value))) - 1));
  return Math.ceil(value / unit) * unit;
}
