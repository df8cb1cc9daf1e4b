import { describe, expect, it } from '@jest/globals';
import Opossum from 'opossum';
import { createBreaker } from '../../src/testing/testing.ts';
import { fastest } from './fastest.ts';
import { failing, make, succeeding } from './held-call.ts';

const [FEW, MANY] = [500, 50_000];

describe('a failing call', () => {
  it('costs ours about the same however many calls its window holds', async () => {
    const cost = async (samples: number) => {
      const window = { type: 'Time', duration: '10m' } as const;
      const breaker = createBreaker({ trip: { window, failureRate: { thresholdPercent: 100 } } });
      for (let i = 0; i < samples; i++) breaker.enter()?.succeed();
      const fastestMs = await fastest(50, () => make(20, () => breaker.execute(failing)));
      expect(breaker.stats().window.calls).toBeGreaterThanOrEqual(samples);
      return fastestMs;
    };
    expect((await cost(MANY)) / (await cost(FEW))).toBeLessThan(5);
  });

  it('costs opossum far more when many calls went before', async () => {
    const cost = async (samples: number) => {
      const breaker = new Opossum((work: () => Promise<unknown>) => work(), {
        timeout: false,
        errorThresholdPercentage: 100,
        rollingCountTimeout: 600_000,
        enableSnapshots: false,
      });
      await make(samples, () => breaker.fire(succeeding));
      const fastestMs = await fastest(5, () => make(20, () => breaker.fire(failing)));
      breaker.shutdown();
      return fastestMs;
    };
    expect((await cost(MANY)) / (await cost(FEW))).toBeGreaterThan(5);
  });
});
