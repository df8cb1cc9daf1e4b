import { DEFAULTS } from '@fuseboard/schema/defaults';
import { formatDuration, MAX_DURATION_MS, parseDuration } from '@fuseboard/schema/duration';
import { hasRate, TRIP_CONDITIONS, type TripCondition, thresholdOf } from '@fuseboard/schema/trip-conditions';
import type { PolicySpec } from '@fuseboard/schema/types';

/** Which calls the conditions look at. */
type WindowNumbers =
  | { readonly type: 'Time'; readonly ms: number }
  | { readonly type: 'Count'; readonly size: number }
  | { readonly type: 'Ewma'; readonly halfLifeMs: number };

/** The numbers of a policy that decide when a circuit opens and closes, with defaults filled in. */
export interface Numbers {
  readonly window: WindowNumbers;
  /** How many calls a rate needs. */
  readonly minimumCalls: number;
  /** The conditions that the policy sets, in the order in which an agent evaluates them. */
  readonly conditions: readonly { readonly condition: TripCondition; readonly threshold: number }[];
  /** Absent: the policy does not look at slow calls. */
  readonly slowerThanMs?: number;
  readonly openMs: number;
  readonly backoffFactor: number;
  readonly maxOpenMs: number;
  /** The longest open time, with jitter, further openings and what Retry-After can ask for. */
  readonly longestOpenMs: number;
  /** How many probes decide. */
  readonly probes: number;
  readonly probeTimeoutMs: number;
  /** How long a ramp takes; absent: probes decide. */
  readonly rampMs?: number;
}

/** The numbers of a valid spec; undefined when nothing opens its circuits. */
export function numbersOf({ trip, recovery = {} }: Pick<PolicySpec, 'trip' | 'recovery'>): Numbers | undefined {
  if (trip === undefined) return undefined;
  const window = windowOf(trip.window ?? DEFAULTS.trip.window);
  const minimumCalls = trip.minimumCalls ?? DEFAULTS.trip.minimumCalls;
  const { halfOpen = {}, backoffFactor = 1, jitterPercent = 0, honorRetryAfter = false } = recovery;
  const defaults = DEFAULTS.recovery;
  const openMs = ms(recovery.openDuration ?? defaults.openDuration);
  const maxOpenMs = ms(recovery.maxOpenDuration ?? defaults.maxOpenDuration);
  const probe = { ...defaults.halfOpen, ...halfOpen };
  const least = window.type === 'Count' ? Math.min(minimumCalls, window.size) : minimumCalls;
  return {
    window,
    minimumCalls: least,
    conditions: TRIP_CONDITIONS.flatMap((condition) => {
      const threshold = thresholdOf(trip, condition.field);
      return threshold === undefined ? [] : [{ condition, threshold }];
    }),
    ...(trip.slowCallRate && { slowerThanMs: ms(trip.slowCallRate.slowerThan) }),
    openMs: Math.min(openMs, maxOpenMs),
    backoffFactor,
    maxOpenMs,
    longestOpenMs:
      backoffFactor > 1 || honorRetryAfter ? maxOpenMs : Math.min(maxOpenMs, openMs * (1 + jitterPercent / 100)),
    probes: probe.evaluate === 'FailureRate' ? Math.min(least, probe.maxProbes) : probe.successThreshold,
    probeTimeoutMs: ms(probe.probeTimeout),
    ...(probe.strategy === 'Ramp' && { rampMs: ms(probe.rampDuration) }),
  };
}

function windowOf({ type, size, duration, halfLife }: NonNullable<NonNullable<PolicySpec['trip']>['window']>) {
  if (type === 'Count') return { type, size: size! };
  return type === 'Ewma' ? { type, halfLifeMs: ms(halfLife) } : { type, ms: ms(duration) };
}

/** Policies that agents have accepted hold no other durations. */
const ms = (text: string | undefined) => parseDuration(text)!;

/** A number that can be edited. */
export interface Field {
  /** The field of the policy, without what is the same for all. */
  readonly name: string;
  readonly path: readonly string[];
  /** `duration`: in milliseconds here, a text such as `30s` in the policy. */
  readonly unit: 'duration' | '%' | '';
  readonly highest: number;
  /** The number in force. */
  readonly value: number;
}

/** Numbers by the path of their field, joined with dots. Durations are in milliseconds. */
export type Edits = Readonly<Record<string, number>>;

/** The highest number of calls that a policy can ask for. */
const MANY = 1_000_000;

/** The numbers that can be edited: the conditions that the policy sets, and what has a default beside them. */
export function fieldsOf({ trip, recovery }: Pick<PolicySpec, 'trip' | 'recovery'>): Field[] {
  if (trip === undefined) return [];
  const { window = DEFAULTS.trip.window } = trip;
  const fields: Field[] = [];
  const add = (path: string, unit: Field['unit'], value: number, highest: number) => {
    const name = path.replace(/^\w+\./, '').replace('.thresholdPercent', '');
    fields.push({ name, path: path.split('.'), unit, value, highest });
  };
  for (const { field, isRate } of TRIP_CONDITIONS) {
    const threshold = thresholdOf(trip, field);
    if (threshold === undefined) continue;
    if (isRate) add(`trip.${field}.thresholdPercent`, '%', threshold, 100);
    else add(`trip.${field}`, '', threshold, MANY);
  }
  if (trip.slowCallRate)
    add('trip.slowCallRate.slowerThan', 'duration', ms(trip.slowCallRate.slowerThan), MAX_DURATION_MS);
  if (hasRate(trip)) add('trip.minimumCalls', '', trip.minimumCalls ?? DEFAULTS.trip.minimumCalls, MANY);
  if (window.type === 'Time') add('trip.window.duration', 'duration', ms(window.duration), MAX_DURATION_MS);
  const open = recovery?.openDuration ?? DEFAULTS.recovery.openDuration;
  add('recovery.openDuration', 'duration', ms(open), MAX_DURATION_MS);
  return fields;
}

/** The part of a policy that the edits change, as a merge patch of its spec. */
export function patchOf(spec: Pick<PolicySpec, 'trip' | 'recovery'>, edits: Edits): object {
  const patch: Tree = {};
  for (const { path, unit, value } of fieldsOf(spec)) {
    const edited = edits[path.join('.')];
    if (edited === undefined || edited === value) continue;
    let at = patch;
    for (const name of path.slice(0, -1)) {
      at[name] ??= {};
      at = at[name] as Tree;
    }
    at[path.at(-1)!] = unit === 'duration' ? formatDuration(edited) : edited;
    // A window that the policy leaves to its default has no type yet.
    if (path[1] === 'window') at.type = 'Time';
  }
  return patch;
}

type Tree = Record<string, unknown>;

/** A spec with the edits in it. */
export const edited = <T extends Pick<PolicySpec, 'trip' | 'recovery'>>(spec: T, edits: Edits): T =>
  merged(spec as Tree, patchOf(spec, edits) as Tree) as T;

const merged = (into: Tree, patch: Tree): Tree => ({
  ...into,
  ...Object.fromEntries(
    Object.entries(patch).map(([key, value]) => [
      key,
      typeof value === 'object' ? merged((into[key] ?? {}) as Tree, value as Tree) : value,
    ]),
  ),
});
