import { afterEach, describe, expect, it, jest } from '@jest/globals';
import Brakes from 'brakes';
import * as Mollitia from 'mollitia';
import Opossum from 'opossum';
import { getBreaker } from '../../src/index.ts';
import { createBreaker } from '../../src/testing/testing.ts';
import { fastest } from './fastest.ts';
import { failing, make, succeeding } from './held-call.ts';

const [SMALL, LARGE] = [20, 2_000];

afterEach(() => {
  jest.useRealTimers();
});

describe('a call in a full window', () => {
  const ratio = async (cost: (size: number) => Promise<number>) => (await cost(LARGE)) / (await cost(SMALL));

  it('costs ours about the same whatever the size of the window', async () => {
    const cost = async (size: number) => {
      const breaker = createBreaker({
        trip: { window: { type: 'Count', size }, minimumCalls: 1, failureRate: { thresholdPercent: 100 } },
      });
      for (let i = 0; i < size; i++) breaker.enter()?.succeed();
      return fastest(50, () => make(20, () => breaker.execute(failing)));
    };
    expect(await ratio(cost)).toBeLessThan(5);
  });

  it('costs mollitia more in a larger one', async () => {
    const cost = async (size: number) => {
      const breaker = new Mollitia.SlidingCountBreaker({
        slidingWindowSize: size,
        minimumNumberOfCalls: 1,
        failureRateThreshold: 100,
      });
      const circuit = new Mollitia.Circuit({ options: { modules: [breaker] } });
      await make(size, () => circuit.fn(succeeding).execute());
      const fastestMs = await fastest(5, () => make(20, () => circuit.fn(failing).execute()));
      circuit.dispose();
      return fastestMs;
    };
    expect(await ratio(cost)).toBeGreaterThan(5);
  });
});

describe('the timers of a hundred breakers', () => {
  it('are one in all in ours while calls run, and none under the timers of a test tool', () => {
    const made = jest.spyOn(globalThis, 'setInterval');
    const breakers = Array.from({ length: 100 }, (_, i) => getBreaker(`timers-${i}`));
    for (const breaker of breakers) breaker.enter()?.succeed();
    expect(made.mock.calls.length).toBeLessThanOrEqual(1);
    made.mockRestore();
    jest.useFakeTimers();
    for (const breaker of breakers) breaker.enter()?.succeed();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are two for each in opossum and in brakes', () => {
    jest.useFakeTimers();
    const breakers = Array.from({ length: 100 }, () => new Opossum(succeeding));
    expect(jest.getTimerCount()).toBe(200);
    for (const breaker of breakers) breaker.shutdown();
    jest.clearAllTimers();
    for (let i = 0; i < 100; i++) new Brakes(succeeding, { isPromise: true, registerGlobal: false });
    expect(jest.getTimerCount()).toBe(200);
  });
});
