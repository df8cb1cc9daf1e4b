import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../../test/config-of.ts';
import { openTimeMs } from '../open-time.ts';
import type { Open } from '../state.ts';
import { withinGuard } from './within-guard.ts';

const MINUTE = 60_000;

describe('a guard', () => {
  it('that sets nothing changes nothing', () => {
    const config = configOf({
      recovery: { openDuration: '24h', maxOpenDuration: '24h' },
      timeout: { duration: '1ms' },
    });
    expect(withinGuard(config, {})).toEqual({ config, by: [] });
    expect(withinGuard(config, {}).config).toBe(config);
  });

  it.each([
    [{ openDuration: '1h', maxOpenDuration: '1h' }, true],
    [{ openDuration: '55s', jitterPercent: 0 }, false],
    [{ openDuration: '55s', jitterPercent: 20 }, true],
    [{ openDuration: '55s', jitterPercent: 20, maxOpenDuration: '1m' }, false],
    [{ openDuration: '10s', backoffFactor: 2, jitterPercent: 0 }, true],
    [{ openDuration: '10s', backoffFactor: 2, maxOpenDuration: '1m' }, false],
    [{ openDuration: '10s', honorRetryAfter: true, jitterPercent: 0 }, true],
  ])('of 1m keeps %o below it, and says so exactly when it would be longer: %s', (recovery, bites) => {
    const config = configOf({ trip: { consecutiveFailures: 1 }, recovery });
    const { config: within, by } = withinGuard(config, { maxOpenDuration: '1m' });
    expect(by).toEqual(bites ? ['maxOpenDuration'] : []);
    const longest = { jitter: 1, retryAfterMs: 1e9 } as Open;
    for (const reopenings of [0, 1, 5, 50]) expect(openTimeMs(within, longest, reopenings)).toBeLessThanOrEqual(MINUTE);
    const unguarded = [0, 50].map((reopenings) => openTimeMs(config, longest, reopenings));
    expect(Math.max(...unguarded) > MINUTE).toBe(bites);
  });

  it.each([
    [{ duration: '5ms' }, 200, undefined, true],
    [{ duration: '1s' }, 1_000, undefined, false],
    [{ adaptive: { min: '10ms', max: '50ms' } }, 0, [200, 200], true],
    [{ duration: '300ms', adaptive: { min: '10ms', max: '1s' } }, 300, [200, 1_000], true],
    [{ adaptive: { min: '200ms', max: '1s' } }, 0, [200, 1_000], false],
    [undefined, 0, undefined, false],
  ])('of at least 200ms makes the time limits of %o %s and %o', (timeout, timeoutMs, adaptive, bites) => {
    const { config, by } = withinGuard(configOf(timeout ? { timeout } : {}), { minTimeout: '200ms' });
    const bounds = config.call.adaptive && [config.call.adaptive.minMs, config.call.adaptive.maxMs];
    expect({ timeoutMs: config.timeoutMs, adaptive: bounds, by }).toEqual({
      timeoutMs,
      adaptive,
      by: bites ? ['minTimeout'] : [],
    });
  });

  it('gives up no probe sooner', () => {
    const config = configOf({ recovery: { halfOpen: { probeTimeout: '1ms' } } });
    const { config: within, by } = withinGuard(config, { minTimeout: '200ms' });
    expect([within.probeTimeoutMs, by]).toEqual([200, ['minTimeout']]);
  });
});
