import { parseDuration } from '@fuseboard/schema/duration';
import type { Config } from './config.ts';
import type { Guard, GuardField } from './guard.ts';

/** Returns the configuration within the limits of a guard, and the fields of the guard that changed it. */
export function withinGuard(config: Config, guard: Guard): { readonly config: Config; readonly by: GuardField[] } {
  const by: GuardField[] = [];
  let { openMs, maxOpenMs, timeoutMs, probeTimeoutMs, call } = config;
  const longestMs = parseDuration(guard.maxOpenDuration) ?? Number.POSITIVE_INFINITY;
  if (longestOpenMs(config) > longestMs) {
    by.push('maxOpenDuration');
    openMs = Math.min(openMs, longestMs);
    maxOpenMs = longestMs;
  }
  const leastMs = parseDuration(guard.minTimeout) ?? 0;
  const { adaptive } = call;
  const limits = [timeoutMs || leastMs, probeTimeoutMs, adaptive?.minMs ?? leastMs];
  if (Math.min(...limits) < leastMs) {
    by.push('minTimeout');
    timeoutMs &&= Math.max(timeoutMs, leastMs);
    probeTimeoutMs = Math.max(probeTimeoutMs, leastMs);
    const { minMs = 0, maxMs = 0 } = adaptive ?? {};
    call = adaptive
      ? { ...call, adaptive: { ...adaptive, minMs: Math.max(minMs, leastMs), maxMs: Math.max(maxMs, leastMs) } }
      : call;
  }
  return { config: by.length === 0 ? config : { ...config, openMs, maxOpenMs, timeoutMs, probeTimeoutMs, call }, by };
}

function longestOpenMs({ openMs, maxOpenMs, backoffFactor, jitterPercent, honorRetryAfter }: Config): number {
  return backoffFactor > 1 || honorRetryAfter ? maxOpenMs : Math.min(maxOpenMs, openMs * (1 + jitterPercent / 100));
}
