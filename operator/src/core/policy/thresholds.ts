import type { PolicySpec } from '@fuseboard/schema';
import { DEFAULTS, parseDuration, TRIP_CONDITIONS, type TripField, thresholdOf } from '@fuseboard/schema';
import { SLOT_MS, SLOTS } from '../slots.ts';

/**
 * What opens a circuit, with what is absent in the spec filled in. Each condition of `trip` has its threshold, in
 * percent or as a number of calls; absent: the policy does not set it. All times in milliseconds.
 */
export interface Thresholds extends Readonly<Partial<Record<TripField, number>>> {
  readonly window: 'Time' | 'Count' | 'Ewma';
  /** The calls that a Count window holds. */
  readonly size?: number;
  /** How far back numbers are added up to be compared with the thresholds. */
  readonly windowMs: number;
  readonly minimumCalls: number;
  readonly slowerThanMs?: number;
}

/** Agents report this often: what is shorter cannot be seen. */
const SHORTEST_WINDOW_MS = 10_000;

/** What is added up where the window of a policy is no stretch of time. */
const COUNT_WINDOW_MS = 60_000;

const LONGEST_WINDOW_MS = SLOTS * SLOT_MS;

/** What opens the circuits of a policy; absent when nothing does by itself. */
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

/** How far back to add up for a policy, or for breakers that no policy governs. */
export const windowOf = (thresholds: Thresholds | undefined) => thresholds?.windowMs ?? SHORTEST_WINDOW_MS;

/** In an Ewma window, calls older than two half-lives weigh little. */
function stretch(window: { type: string; duration?: string | undefined; halfLife?: string | undefined }): number {
  const { type, duration, halfLife } = window;
  const wanted = type === 'Count' ? COUNT_WINDOW_MS : type === 'Ewma' ? 2 * ms(halfLife) : ms(duration);
  return Math.min(LONGEST_WINDOW_MS, Math.max(SHORTEST_WINDOW_MS, wanted));
}

const ms = (text: string | undefined) => parseDuration(text) ?? SHORTEST_WINDOW_MS;
