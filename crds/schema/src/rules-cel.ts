import { DEFAULTS } from './defaults.ts';
import type { Rule } from './rules.ts';
import { TRIP_CONDITIONS } from './trip-conditions.ts';

const RATES = TRIP_CONDITIONS.filter(({ isRate }) => isRate);

const anyOf = (conditions: typeof TRIP_CONDITIONS, trip = 'self') =>
  conditions.map(({ field }) => `has(${trip}.${field})`).join(' || ');

const onlyWithType = (field: string, type: string) =>
  `self.type == '${type}' ? has(self.${field}) : !has(self.${field})`;

/** What the API server evaluates at admission, by the path of the rule and its field. */
const CEL: Readonly<Record<string, string>> = {
  trip: anyOf(TRIP_CONDITIONS),
  'trip.minimumCalls': `!has(self.minimumCalls) || ${anyOf(RATES)}`,
  'trip.failureCount':
    "!has(self.failureCount) || !has(self.window) || self.window.type != 'Count' || !has(self.window.size) || self.failureCount <= self.window.size",
  'trip.window.duration': onlyWithType('duration', 'Time'),
  'trip.window.size': onlyWithType('size', 'Count'),
  'trip.window.halfLife': onlyWithType('halfLife', 'Ewma'),
  'recovery.maxOpenDuration': `!has(self.maxOpenDuration) || duration(self.maxOpenDuration) >= duration(has(self.openDuration) ? self.openDuration : '${DEFAULTS.recovery.openDuration}')`,
  'recovery.halfOpen.strategy':
    "!has(self.strategy) || self.strategy != 'Ramp' || !(has(self.maxProbes) || has(self.evaluate) || has(self.successThreshold) || has(self.probeTimeout))",
  'recovery.halfOpen.rampDuration': "!has(self.rampDuration) || (has(self.strategy) && self.strategy == 'Ramp')",
  'recovery.halfOpen.successThreshold':
    "!has(self.successThreshold) || !has(self.evaluate) || self.evaluate != 'FailureRate'",
  'recovery.halfOpen.evaluate': `!has(self.recovery) || !has(self.recovery.halfOpen) || !has(self.recovery.halfOpen.evaluate) || self.recovery.halfOpen.evaluate != 'FailureRate' || (has(self.trip) && (${anyOf(RATES, 'self.trip')}))`,
  'timeout.duration': 'has(self.duration) || has(self.adaptive)',
  'timeout.adaptive.min': '!has(self.min) || duration(self.min) <= duration(self.max)',
  'retry.backoff.initial': '!has(self.initial) || !has(self.max) || duration(self.initial) <= duration(self.max)',
  'concurrency.adaptive':
    '!has(self.adaptive) || ((!has(self.adaptive.minConcurrent) || self.adaptive.minConcurrent <= self.maxConcurrent) && (!has(self.adaptive.initial) || self.adaptive.initial <= self.maxConcurrent))',
  'concurrency.adaptive.initial':
    '!has(self.initial) || !has(self.minConcurrent) || self.initial >= self.minConcurrent',
  'fallback.static': onlyWithType('static', 'Static'),
  'fallback.maxAge': "self.type == 'LastSuccess' || !has(self.maxAge)",
  'selector.matchExpressions[].values':
    "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
  'selector.matchLabels':
    "self.all(k, k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
  reason: "has(self.reason) && self.reason.trim() != ''",
  expiresAt: 'has(self.expiresAt) || has(self.duration)',
  duration: '!has(self.expiresAt) || !has(self.duration)',
};

/** The bounds of every duration, on the duration itself. */
export const DURATION_CEL = "duration(self) >= duration('1ms') && duration(self) <= duration('24h')";

/** A rule as the API server evaluates it. */
export function celOf({ path, field }: Rule): string {
  const rule = [path, field].filter(Boolean).join('.');
  const cel = CEL[rule];
  if (cel === undefined) throw new Error(`crds/schema/src/rules-cel.ts has no rule "${rule}"; add it`);
  return cel;
}
