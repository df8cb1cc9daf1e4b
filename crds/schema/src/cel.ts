import { DEFAULTS } from './defaults.ts';
import type { Rule } from './rules.ts';

/**
 * What the API server evaluates at admission: every rule across fields in CEL, by its path and field. It is apart from
 * the rules themselves because agents, which have no CEL, take those in.
 */
const CEL: Readonly<Record<string, string>> = {
  trip: 'has(self.failureRate) || has(self.slowCallRate) || has(self.failureCount) || has(self.consecutiveFailures)',
  'trip / minimumCalls': '!has(self.minimumCalls) || has(self.failureRate) || has(self.slowCallRate)',
  'trip / failureCount':
    "!has(self.failureCount) || !has(self.window) || self.window.type != 'Count' || !has(self.window.size) || self.failureCount <= self.window.size",
  'trip.window / duration': "self.type == 'Time' ? has(self.duration) : !has(self.duration)",
  'trip.window / size': "self.type == 'Count' ? has(self.size) : !has(self.size)",
  'trip.window / halfLife': "self.type == 'Ewma' ? has(self.halfLife) : !has(self.halfLife)",
  'recovery / maxOpenDuration': `!has(self.maxOpenDuration) || duration(self.maxOpenDuration) >= duration(has(self.openDuration) ? self.openDuration : '${DEFAULTS.recovery.openDuration}')`,
  'recovery.halfOpen / strategy':
    "!has(self.strategy) || self.strategy != 'Ramp' || !(has(self.maxProbes) || has(self.evaluate) || has(self.successThreshold) || has(self.probeTimeout))",
  'recovery.halfOpen / rampDuration': "!has(self.rampDuration) || (has(self.strategy) && self.strategy == 'Ramp')",
  'recovery.halfOpen / successThreshold':
    "!has(self.successThreshold) || !has(self.evaluate) || self.evaluate != 'FailureRate'",
  'recovery.halfOpen.evaluate':
    "!has(self.recovery) || !has(self.recovery.halfOpen) || !has(self.recovery.halfOpen.evaluate) || self.recovery.halfOpen.evaluate != 'FailureRate' || (has(self.trip) && (has(self.trip.failureRate) || has(self.trip.slowCallRate)))",
  'timeout / duration': 'has(self.duration) || has(self.adaptive)',
  'timeout.adaptive / min': '!has(self.min) || duration(self.min) <= duration(self.max)',
  'retry.backoff / initial': '!has(self.initial) || !has(self.max) || duration(self.initial) <= duration(self.max)',
  'fallback / static': "self.type == 'Static' ? has(self.static) : !has(self.static)",
  'fallback / maxAge': "self.type == 'LastSuccess' || !has(self.maxAge)",
  'selector.matchExpressions[] / values':
    "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
  'selector.matchLabels':
    "self.all(k, k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
  reason: "has(self.reason) && self.reason.trim() != ''",
  expiresAt: 'has(self.expiresAt) || has(self.duration)',
  duration: '!has(self.expiresAt) || !has(self.duration)',
};

/** The bounds of every duration, in CEL on the duration itself. */
export const DURATION_CEL = "duration(self) >= duration('1ms') && duration(self) <= duration('24h')";

/** A rule as the API server evaluates it. @throws when it has no such form. */
export function celOf({ path, field }: Rule): string {
  const cel = CEL[[path, field].filter(Boolean).join(' / ')];
  if (cel === undefined) throw new Error(`the rule on ${path} / ${field} has no form in CEL; add it to cel.ts`);
  return cel;
}
