import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import Opossum from 'opossum';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { begin, FAKED, failing, flushPromises, HeldCall, make, succeeding } from './held-call.ts';

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a probe that never ends', () => {
  it('gives its place back in ours', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(
      { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s', halfOpen: { probeTimeout: '5s' } } },
      { clock },
    );
    await make(1, () => breaker.execute(failing));
    clock.advance(1_000);
    await begin(() => breaker.execute(new HeldCall().work));
    await expect(breaker.execute(succeeding)).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN' });
    clock.advance(6_000);
    expect(breaker.state).toBe('half-open');
    await expect(breaker.execute(succeeding)).resolves.toBe('fine');
    expect(breaker.state).toBe('closed');
  });

  it('makes opossum reject every later call', async () => {
    const breaker = new Opossum((work: () => Promise<unknown>) => work(), { resetTimeout: 1_000, timeout: false });
    await make(1, () => breaker.fire(failing));
    jest.advanceTimersByTime(1_000);
    await begin(() => breaker.fire(new HeldCall().work));
    jest.advanceTimersByTime(24 * 3_600_000);
    await expect(breaker.fire(succeeding)).rejects.toMatchObject({ code: 'EOPENBREAKER' });
    breaker.shutdown();
  });

  it('leaves later callers of cockatiel waiting for ever', async () => {
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(1) });
    await make(1, () => breaker.execute(failing));
    jest.advanceTimersByTime(1_000);
    await begin(() => breaker.execute(new HeldCall().work));
    let ended = false;
    breaker.execute(succeeding).finally(() => {
      ended = true;
    });
    jest.advanceTimersByTime(24 * 3_600_000);
    await flushPromises();
    expect(ended).toBe(false);
  });
});
