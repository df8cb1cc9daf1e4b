import type { PolicySpec } from '@fuseboard/schema';
import { DEFAULTS, parseDuration, TRIP_CONDITIONS, type TripField, thresholdOf } from '@fuseboard/schema';
import { SLOT_MS, SLOTS } from '../slots.ts';

/**
 * The thresholds that open a circuit, with defaults filled in. Each condition of `trip` has its threshold, as a
 * percentage or a number of calls; a threshold is absent when the policy does not set it. All times are in
 * milliseconds.
 */
export interface Thresholds extends Readonly<Partial<Record<TripField, number>>> {
  readonly window: 'Time' | 'Count' | 'Ewma';
  /** The number of calls in a Count window. */
  readonly size?: number;
  /** The length of time over which calls are summed for comparison with the thresholds. */
  readonly windowMs: number;
  readonly minimumCalls: number;
  readonly slowerThanMs?: number;
}

/** Agents report this often, so a shorter window cannot be observed. */
const SHORTEST_WINDOW_MS = 10_000;

/** The length of time over which calls are summed for a Count window, which has no duration. */
const COUNT_WINDOW_MS = 60_000;

const LONGEST_WINDOW_MS = SLOTS * SLOT_MS;

/** The thresholds of a policy; absent when nothing opens its circuits automatically. */
export function thresholdsOf({ trip }: Pick<PolicySpec, 'trip'>): Thresholds | undefined {
  if (trip === undefined) return undefined;
  const { window = DEFAULTS.trip.window, minimumCalls = DEFAULTS.trip.minimumCalls } = trip;
  const size = 'size' in window ? window.size : undefined;
  return {
    window: window.type,
    ...(size !== undefined && { size }),
    windowMs: stretch(window),
    minimumCalls: Math.min(minimumCalls, size ?? minimumCalls),
    ...(trip.slowCallRate && { slowerThanMs: parseDuration(trip.slowCallRate.slowerThan)! }),
    ...Object.fromEntries(
      TRIP_CONDITIONS.map(({ field }) => [field, thresholdOf(trip, field)]).filter(([, at]) => at !== undefined),
    ),
  };
}

/** The length of time over which calls are summed for a policy, or for breakers without a policy. */
export const windowOf = (thresholds: Thresholds | undefined) => thresholds?.windowMs ?? SHORTEST_WINDOW_MS;

/** The duration of a window. In an Ewma window, calls older than two half-lives have little weight. */
function stretch(window: { type: string; duration?: string | undefined; halfLife?: string | undefined }): number {
  const { type, duration, halfLife } = window;
  const wanted = type === 'Count' ? COUNT_WINDOW_MS : type === 'Ewma' ? 2 * ms(halfLife) : ms(duration);
  return Math.min(LONGEST_WINDOW_MS, Math.max(SHORTEST_WINDOW_MS, wanted));
}

const ms = (text: string | undefined) => parseDuration(text) ?? SHORTEST_WINDOW_MS;
