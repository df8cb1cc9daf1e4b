import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import Opossum from 'opossum';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { begin, FAKED, failing, HeldCall, make } from './held-call.ts';

const policy = {
  trip: { consecutiveFailures: 2 },
  recovery: { openDuration: '1s', halfOpen: { probeTimeout: '1h' } },
} as const;

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a success of a call that began before the circuit opened', () => {
  it('does not close our half-open circuit', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(policy, { clock });
    const early = new HeldCall();
    await begin(() => breaker.execute(early.work));
    await make(2, () => breaker.execute(failing));
    clock.advance(1_000);
    expect(breaker.state).toBe('half-open');
    await early.succeed();
    expect(breaker.state).toBe('half-open');
  });

  it('closes the one of opossum', async () => {
    const breaker = new Opossum((work: () => Promise<unknown>) => work(), { resetTimeout: 1_000, timeout: false });
    const early = new HeldCall();
    await begin(() => breaker.fire(early.work));
    await make(2, () => breaker.fire(failing));
    jest.advanceTimersByTime(1_000);
    expect(breaker.halfOpen).toBe(true);
    await early.succeed();
    expect(breaker.closed).toBe(true);
    breaker.shutdown();
  });
});

describe('a failure of a call that began before the circuit opened', () => {
  it('does not reopen our half-open circuit', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(policy, { clock });
    const [early, probe] = [new HeldCall(), new HeldCall()];
    await begin(() => breaker.execute(early.work));
    await make(2, () => breaker.execute(failing));
    clock.advance(1_000);
    await begin(() => breaker.execute(probe.work));
    await early.fail();
    expect(breaker.state).toBe('half-open');
    await probe.succeed();
    expect(breaker.state).toBe('closed');
  });

  it('reopens the one of cockatiel', async () => {
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(2) });
    const [early, probe] = [new HeldCall(), new HeldCall()];
    await begin(() => breaker.execute(early.work));
    await make(2, () => breaker.execute(failing));
    jest.advanceTimersByTime(1_000);
    await begin(() => breaker.execute(probe.work));
    expect(breaker.state).toBe(CircuitState.HalfOpen);
    await early.fail();
    expect(breaker.state).toBe(CircuitState.Open);
  });
});
