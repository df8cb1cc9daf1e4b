import { DEFAULTS } from './defaults.ts';
import { MAX_DURATION_MS, MIN_DURATION_MS, parseDuration } from './duration.ts';
import { fieldsInWords, hasRate, TRIP_CONDITIONS, type TripField } from './trip-conditions.ts';

/**
 * A rule across fields: `holds` is the rule for everybody who has no CEL; rules-cel.ts has the same rule as the API
 * server evaluates it at admission. Both see the value at `path` (dots; the empty path is the spec) and are asked only
 * when that value is present.
 */
export interface Rule {
  readonly path: string;
  /** The field that the message is about, relative to `path`. */
  readonly field: string;
  readonly message: string;
  readonly holds: (value: never) => boolean;
}

interface Window {
  type: string;
  duration?: unknown;
  size?: number;
  halfLife?: unknown;
}
type Trip = { window?: Window; minimumCalls?: number; failureCount?: number } & { [field in TripField]?: unknown };
interface Recovery {
  openDuration?: string;
  maxOpenDuration?: string;
}
interface HalfOpen {
  strategy?: string;
  maxProbes?: unknown;
  evaluate?: string;
  successThreshold?: unknown;
  probeTimeout?: unknown;
  rampDuration?: unknown;
}
interface Spec {
  trip?: Trip;
  recovery?: { halfOpen?: HalfOpen };
}
interface AdaptiveLimit {
  minConcurrent?: number;
  initial?: number;
}
interface Concurrency {
  maxConcurrent: number;
  adaptive?: AdaptiveLimit;
}
interface Fallback {
  type: string;
  static?: unknown;
  maxAge?: string;
}
interface Requirement {
  operator: string;
  values?: unknown[];
}

/** A rule, typed by the value that it is about. */
export const rule = <T>(path: string, field: string, message: string, holds: (value: T) => boolean): Rule => ({
  path,
  field,
  message,
  holds,
});

const onlyWithType = (path: string, field: string, type: string) =>
  rule<Record<string, unknown>>(
    path,
    field,
    `${field} is required with type ${type} and not allowed with any other type`,
    (value) => (value.type === type) === (value[field] !== undefined),
  );

const RATES = TRIP_CONDITIONS.filter(({ isRate }) => isRate);

/** Every rule across fields, in the order in which they are reported. */
export const RULES: readonly Rule[] = [
  rule<Trip>(
    'trip',
    '',
    `trip needs at least one condition: ${fieldsInWords()}; leave trip out for a breaker that never opens`,
    (trip) => TRIP_CONDITIONS.some(({ field }) => trip[field] !== undefined),
  ),
  rule<Trip>(
    'trip',
    'minimumCalls',
    `minimumCalls applies to rates only; set ${fieldsInWords(RATES)}, or remove minimumCalls`,
    (trip) => trip.minimumCalls === undefined || hasRate(trip),
  ),
  rule<Trip>(
    'trip',
    'failureCount',
    'failureCount is larger than window.size and could never be reached',
    (trip) =>
      trip.failureCount === undefined ||
      trip.window?.type !== 'Count' ||
      trip.window.size === undefined ||
      trip.failureCount <= trip.window.size,
  ),
  onlyWithType('trip.window', 'duration', 'Time'),
  onlyWithType('trip.window', 'size', 'Count'),
  onlyWithType('trip.window', 'halfLife', 'Ewma'),
  rule<Recovery>(
    'recovery',
    'maxOpenDuration',
    `maxOpenDuration must not be shorter than openDuration (absent: ${DEFAULTS.recovery.openDuration})`,
    ({ openDuration = DEFAULTS.recovery.openDuration, maxOpenDuration }) =>
      maxOpenDuration === undefined || parseDuration(maxOpenDuration)! >= parseDuration(openDuration)!,
  ),
  rule<HalfOpen>(
    'recovery.halfOpen',
    'strategy',
    'maxProbes, evaluate, successThreshold and probeTimeout are not allowed with strategy Ramp',
    ({ strategy, maxProbes, evaluate, successThreshold, probeTimeout }) =>
      strategy !== 'Ramp' ||
      [maxProbes, evaluate, successThreshold, probeTimeout].every((sibling) => sibling === undefined),
  ),
  rule<HalfOpen>(
    'recovery.halfOpen',
    'rampDuration',
    'rampDuration is not allowed without strategy Ramp',
    ({ strategy, rampDuration }) => rampDuration === undefined || strategy === 'Ramp',
  ),
  rule<HalfOpen>(
    'recovery.halfOpen',
    'successThreshold',
    'successThreshold is not allowed with evaluate FailureRate, where the rates of trip decide',
    ({ evaluate, successThreshold }) => successThreshold === undefined || evaluate !== 'FailureRate',
  ),
  rule<Spec>(
    '',
    'recovery.halfOpen.evaluate',
    `evaluate FailureRate needs a rate to decide by; set ${RATES.map(({ field }) => `trip.${field}`).join(' or ')}`,
    ({ trip, recovery }) => recovery?.halfOpen?.evaluate !== 'FailureRate' || (trip !== undefined && hasRate(trip)),
  ),
  rule<{ duration?: unknown; adaptive?: unknown }>(
    'timeout',
    'duration',
    'timeout needs a duration, or adaptive',
    (timeout) => timeout.duration !== undefined || timeout.adaptive !== undefined,
  ),
  rule<{ min?: string; max: string }>(
    'timeout.adaptive',
    'min',
    'min is more than max',
    ({ min, max }) => min === undefined || parseDuration(min)! <= parseDuration(max)!,
  ),
  rule<{ initial?: string; max?: string }>(
    'retry.backoff',
    'initial',
    'initial is more than max',
    ({ initial, max }) => initial === undefined || max === undefined || parseDuration(initial)! <= parseDuration(max)!,
  ),
  rule<Concurrency>(
    'concurrency',
    'adaptive',
    'minConcurrent and initial of adaptive cannot be more than maxConcurrent',
    ({ maxConcurrent, adaptive: { minConcurrent = 1, initial = 1 } = {} }) =>
      Math.max(minConcurrent, initial) <= maxConcurrent,
  ),
  rule<AdaptiveLimit>(
    'concurrency.adaptive',
    'initial',
    'initial is less than minConcurrent',
    ({ minConcurrent = 1, initial = minConcurrent }) => initial >= minConcurrent,
  ),
  onlyWithType('fallback', 'static', 'Static'),
  rule<Fallback>(
    'fallback',
    'maxAge',
    'maxAge applies to type LastSuccess only',
    (fallback) => fallback.type === 'LastSuccess' || fallback.maxAge === undefined,
  ),
  rule<Requirement>(
    'selector.matchExpressions[]',
    'values',
    'values is required with the operators In and NotIn and not allowed with Exists and DoesNotExist',
    (requirement) =>
      ['In', 'NotIn'].includes(requirement.operator) ===
      (Array.isArray(requirement.values) && requirement.values.length > 0),
  ),
  rule<Record<string, unknown>>(
    'selector.matchLabels',
    '',
    'every key must be a label key: an optional DNS prefix and a slash, then at most 63 letters, digits, dots, dashes or underscores',
    (labels) => Object.keys(labels).every((key) => LABEL_KEY.test(key)),
  ),
];

/** A label key: an optional DNS prefix and a slash, then a name of at most 63 characters. */
export const LABEL_KEY_PATTERN =
  '^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$';
const LABEL_KEY = new RegExp(LABEL_KEY_PATTERN);

/** The bounds of every duration, on the duration itself. */
export const DURATION_RULE: Rule = {
  path: '',
  field: '',
  message: `must lie between ${MIN_DURATION_MS}ms and ${MAX_DURATION_MS / 3_600_000}h`,
  holds: (text: unknown) => parseDuration(text) !== undefined,
};

/** A broken rule: the dotted path of the field it is about, and the rule's message. */
export interface Violation {
  readonly field: string;
  readonly message: string;
}

/**
 * How deep objects and lists of a spec may lie in each other: a deeper value exhausts the stack of who writes it as
 * JSON.
 */
export const MAX_SPEC_LEVELS = 50;

/** Why a spec that nests too deep is refused; absent for one that does not. */
export const tooDeep = (spec: unknown): string | undefined =>
  nests(spec, MAX_SPEC_LEVELS) ? `nests more than ${MAX_SPEC_LEVELS} levels deep` : undefined;

const nests = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => nests(inner, levels - 1)));

/** Evaluates every rule on a spec whose single fields are already known to be well-formed. */
export function violations(spec: object, rules = RULES): Violation[] {
  const found: Violation[] = [];
  for (const { path, field, message, holds } of rules) {
    for (const [at, value] of valuesAt(spec, path)) {
      if (!holds(value as never)) found.push({ field: [at, field].filter(Boolean).join('.'), message });
    }
  }
  return found;
}

function valuesAt(spec: object, path: string): [string, unknown][] {
  let level: [string, unknown][] = [['', spec]];
  for (const step of path === '' ? [] : path.split('.')) {
    const name = step.replace('[]', '');
    level = level.flatMap(([at, value]) => {
      const child = (value as Record<string, unknown> | undefined)?.[name];
      const here = at === '' ? name : `${at}.${name}`;
      if (child === undefined || child === null) return [];
      if (!step.endsWith('[]')) return [[here, child] as [string, unknown]];
      return Array.isArray(child) ? child.map((item, i) => [`${here}[${i}]`, item] as [string, unknown]) : [];
    });
  }
  return level;
}
