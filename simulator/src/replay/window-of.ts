import { DEFAULTS } from '@fuseboard/schema/defaults';
import { parseDuration } from '@fuseboard/schema/duration';
import type { Spec } from './replay.ts';

export type WindowOf =
  | { readonly type: 'Time'; readonly ms: number }
  | { readonly type: 'Count'; readonly size: number }
  | { readonly type: 'Ewma'; readonly halfLifeMs: number };

/** The window of a policy, with defaults filled in. */
export function windowOf(trip: Spec['trip']): WindowOf {
  const window: NonNullable<NonNullable<Spec['trip']>['window']> = trip?.window ?? DEFAULTS.trip.window;
  const { type, duration, size, halfLife } = window;
  if (type === 'Count') return { type, size: size ?? 0 };
  if (type === 'Ewma') return { type, halfLifeMs: parseDuration(halfLife) ?? 0 };
  return { type, ms: parseDuration(duration) ?? 0 };
}

/** The minimum number of calls for a rate, with defaults filled in. */
export function minimumCallsOf(trip: Spec['trip']): number {
  const minimum = trip?.minimumCalls ?? DEFAULTS.trip.minimumCalls;
  const window = windowOf(trip);
  return window.type === 'Count' ? Math.min(minimum, window.size) : minimum;
}
