import type { Config } from './config/config.ts';
import type { Open } from './state.ts';

/**
 * How long a circuit stays open: the open time of the policy, grown by each opening before it in a row and by jitter,
 * at least as long as Retry-After asked for, and never longer than the policy's longest.
 *
 * @param reopenings how many times in a row it had opened before.
 */
export function openTimeMs(config: Config, { jitter = 0, retryAfterMs }: Open, reopenings: number): number {
  const { openMs, backoffFactor, jitterPercent, maxOpenMs } = config;
  const openTime = openMs * backoffFactor ** reopenings * (1 + (jitterPercent / 100) * jitter);
  return Math.min(maxOpenMs, config.honorRetryAfter ? Math.max(openTime, retryAfterMs) : openTime);
}
