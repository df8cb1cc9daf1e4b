import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Brakes from 'brakes';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { begin, FAKED, failing, flushPromises, HeldCall, make } from './held-call.ts';

const CROWD = 1_000;

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a thousand callers while half-open', () => {
  it('are rejected at once by ours, but for the probe', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s' } }, { clock });
    await make(1, () => breaker.execute(failing));
    clock.advance(1_000);
    const call = new HeldCall();
    let rejected = 0;
    for (let i = 0; i < CROWD; i++) {
      breaker.execute(call.work).catch(() => {
        rejected++;
      });
    }
    await flushPromises();
    expect({ begun: call.begun, rejected }).toEqual({ begun: 1, rejected: CROWD - 1 });
    await call.succeed();
    expect(call.begun).toBe(1);
  });

  it('wait in cockatiel, and all run once the probe has ended', async () => {
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(1) });
    await make(1, () => breaker.execute(failing));
    jest.advanceTimersByTime(1_000);
    const call = new HeldCall();
    for (let i = 0; i < CROWD; i++) breaker.execute(call.work);
    await flushPromises();
    expect(call.begun).toBe(1);
    await call.succeed();
    expect(call.begun).toBe(CROWD);
  });

  it('all run in brakes, which has no half-open', async () => {
    let down = true;
    const call = new HeldCall();
    const breaker = new Brakes(() => (down ? failing() : call.work()), {
      isPromise: true,
      circuitDuration: 1_000,
      waitThreshold: 1,
      registerGlobal: false,
    });
    await make(3, () => breaker.exec());
    expect(breaker.isOpen()).toBe(true);
    jest.advanceTimersByTime(1_000);
    down = false;
    for (let i = 0; i < CROWD; i++) await begin(() => breaker.exec());
    expect(call.begun).toBe(CROWD);
    breaker.destroy();
  });
});
