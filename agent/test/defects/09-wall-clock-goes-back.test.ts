import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { FAKED, failing, make, succeeding } from './held-call.ts';

const HOUR = 3_600_000;

afterEach(() => {
  jest.useRealTimers();
});

describe('a wall clock that goes back an hour while the circuit is open', () => {
  it('means nothing to ours', async () => {
    jest.useFakeTimers({ ...FAKED, now: 10 * HOUR, doNotFake: [...FAKED.doNotFake] });
    const clock = new FakeClock();
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s' } }, { clock });
    await make(1, () => breaker.execute(failing));
    jest.setSystemTime(9 * HOUR);
    clock.advance(1_000);
    await expect(breaker.execute(succeeding)).resolves.toBe('fine');
    expect(breaker.state).toBe('closed');
  });

  it('means nothing to the clock of the process either', async () => {
    jest.useFakeTimers({ now: 10 * HOUR, doNotFake: [...FAKED.doNotFake] });
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1h' } });
    await make(1, () => breaker.execute(failing));
    const before = breaker.stats().retryAfterMs;
    jest.setSystemTime(9 * HOUR);
    expect(breaker.stats().retryAfterMs).toBeLessThanOrEqual(before);
  });

  it('keeps the one of cockatiel open for that hour', async () => {
    jest.useFakeTimers({ ...FAKED, now: 10 * HOUR, doNotFake: [...FAKED.doNotFake] });
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(1) });
    await make(1, () => breaker.execute(failing));
    jest.setSystemTime(9 * HOUR);
    jest.advanceTimersByTime(HOUR / 2);
    await expect(breaker.execute(succeeding)).rejects.toThrow();
    expect(breaker.state).toBe(CircuitState.Open);
  });
});
