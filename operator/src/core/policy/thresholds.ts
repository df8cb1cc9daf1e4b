import type { PolicySpec } from '@fuseboard/schema';
import { DEFAULTS, parseDuration } from '@fuseboard/schema';
import { SLOT_MS, SLOTS } from '../slots.ts';

/** What opens a circuit, with what is absent in the spec filled in. All times in milliseconds. */
export interface Thresholds {
  readonly window: 'Time' | 'Count' | 'Ewma';
  /** The calls that a Count window holds. */
  readonly size?: number;
  /** How far back numbers are added up to be compared with the thresholds. */
  readonly windowMs: number;
  readonly minimumCalls: number;
  /** In percent. */
  readonly failureRate?: number;
  readonly slowCallRate?: number;
  readonly slowerThanMs?: number;
  readonly failureCount?: number;
  readonly consecutiveFailures?: number;
}

/** Agents report this often: what is shorter cannot be seen. */
export const SHORTEST_WINDOW_MS = 10_000;

/** What is added up where the window of a policy is no stretch of time. */
export const COUNT_WINDOW_MS = 60_000;

const LONGEST_WINDOW_MS = SLOTS * SLOT_MS;

/** What opens the circuits of a policy; absent when nothing does by itself. */
export function thresholdsOf({ trip }: Pick<PolicySpec, 'trip'>): Thresholds | undefined {
  if (trip === undefined) return undefined;
  const { window = DEFAULTS.trip.window, minimumCalls = DEFAULTS.trip.minimumCalls } = trip;
  const { failureRate, slowCallRate, failureCount, consecutiveFailures } = trip;
  const size = 'size' in window ? window.size : undefined;
  return {
    window: window.type,
    ...(size !== undefined && { size }),
    windowMs: stretch(window),
    minimumCalls: Math.min(minimumCalls, size ?? minimumCalls),
    ...(failureRate && { failureRate: failureRate.thresholdPercent }),
    ...(slowCallRate && {
      slowCallRate: slowCallRate.thresholdPercent,
      slowerThanMs: parseDuration(slowCallRate.slowerThan)!,
    }),
    ...(failureCount !== undefined && { failureCount }),
    ...(consecutiveFailures !== undefined && { consecutiveFailures }),
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
