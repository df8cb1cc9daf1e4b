import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CircuitState, circuitBreaker, handleAll, SamplingBreaker } from 'cockatiel';
import Opossum from 'opossum';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { FAKED, failing, make, succeeding } from './held-call.ts';

const HOUR = 3_600_000;
const policy = {
  trip: { window: { type: 'Time', duration: '10s' }, minimumCalls: 5, failureRate: { thresholdPercent: 50 } },
  recovery: { openDuration: '1s' },
} as const;

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('failures from before a close', () => {
  it('are forgotten by ours', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(policy, { clock });
    await make(5, () => breaker.execute(failing));
    expect(breaker.state).toBe('open');
    clock.advance(1_000);
    await make(4, () => breaker.execute(succeeding));
    await make(1, () => breaker.execute(failing));
    expect(breaker.state).toBe('closed');
  });

  it('open opossum again, at the first failure after four successes', async () => {
    const breaker = new Opossum((work: () => Promise<unknown>) => work(), {
      resetTimeout: 1_000,
      timeout: false,
      volumeThreshold: 5,
      rollingCountTimeout: 10_000,
    });
    await make(5, () => breaker.fire(failing));
    expect(breaker.opened).toBe(true);
    jest.advanceTimersByTime(1_000);
    await make(4, () => breaker.fire(succeeding));
    expect(breaker.closed).toBe(true);
    await make(1, () => breaker.fire(failing));
    expect(breaker.opened).toBe(true);
    breaker.shutdown();
  });
});

describe('failures of an hour ago', () => {
  it('are forgotten by ours', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ ...policy, trip: { ...policy.trip, minimumCalls: 20 } }, { clock });
    await make(19, () => breaker.execute(failing));
    clock.advance(HOUR);
    await make(1, () => breaker.execute(failing));
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().window).toMatchObject({ calls: 1, failures: 1 });
  });

  it('still count in the sampling breaker of cockatiel', async () => {
    const sampling = new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 });
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: sampling });
    await make(19, () => breaker.execute(failing));
    jest.advanceTimersByTime(HOUR);
    await make(1, () => breaker.execute(failing));
    expect(breaker.state).toBe(CircuitState.Open);
  });
});
