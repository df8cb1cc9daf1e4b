import { parseDuration } from '@fuseboard/schema/duration';
import type { Config } from './config.ts';

/** Limits of the code on what policies and overrides may do in this process. An absent field limits nothing. */
export interface Guard {
  /**
   * No policy keeps a circuit open for longer at a time, and no override holds one open for longer. A duration such as
   * `2m`, from 1ms to 24h.
   */
  readonly maxOpenDuration?: string | undefined;
  /** No policy ends a call or a probe before this time. A duration such as `500ms`, from 1ms to 24h. */
  readonly minTimeout?: string | undefined;
  /** Whether overrides with the action ForceOpen are ignored. Absent: false. */
  readonly neverForceOpen?: boolean | undefined;
}

export type GuardField = keyof Guard;

/** Returns the configuration within the limits of a guard, and the fields of the guard that changed it. */
export function limited(config: Config, guard: Guard): { readonly config: Config; readonly by: GuardField[] } {
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
