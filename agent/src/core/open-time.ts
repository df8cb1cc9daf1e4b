import type { Config } from './config/config.ts';
import type { Open } from './state.ts';

/**
 * How long a circuit stays open: `openDuration`, multiplied by `backoffFactor` for each consecutive opening before,
 * plus jitter; at least the Retry-After of the failure, if the policy honors it; at most `maxOpenDuration`.
 *
 * @param reopenings the number of consecutive openings before.
 */
export function openTimeMs(config: Config, { jitter = 0, retryAfterMs }: Open, reopenings: number): number {
  const { openMs, backoffFactor, jitterPercent, maxOpenMs } = config;
  const openTime = openMs * backoffFactor ** reopenings * (1 + (jitterPercent / 100) * jitter);
  return Math.min(maxOpenMs, config.honorRetryAfter ? Math.max(openTime, retryAfterMs) : openTime);
}
