import { describe, expect, it } from '@jest/globals';
import Opossum from 'opossum';
import { createBreaker, FakeClock, type TestBreaker } from '../../src/testing/testing.ts';
import { failing, make } from './held-call.ts';

/**
 * Elsewhere, as reported there: resilience4j makes a new breaker whose state and subscribers are not the old one's
 * (resilience4j/resilience4j 1116, 1960, 2181); opossum has no way to do it (nodeshift/opossum 450); in Polly an error
 * while options are read again ends all later reloading.
 */
describe('new settings for an open circuit', () => {
  it('keep its state, its samples, its handle and its subscribers in ours', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ trip: { consecutiveFailures: 2 }, recovery: { openDuration: '1s' } }, { clock });
    const received: string[] = [];
    breaker.on('transition', ({ to }) => received.push(to));
    await make(2, () => breaker.execute(failing));
    const { window } = breaker.stats();
    breaker.apply({ trip: { consecutiveFailures: 9 }, recovery: { openDuration: '3s' } });
    expect(breaker.stats()).toMatchObject({ state: 'open', window, retryAfterMs: 3_000 });
    clock.advance(3_000);
    expect(breaker.state).toBe('half-open');
    expect(received).toEqual(['open', 'half-open']);
  });

  it('apply after settings that could not be used, too', () => {
    const breaker: TestBreaker = createBreaker({ trip: { consecutiveFailures: 2 } }, { clock: new FakeClock() });
    expect(() => breaker.apply({ trip: { consecutiveFailures: -1 } })).toThrow('consecutiveFailures');
    breaker.enter()?.fail();
    expect(breaker.state).toBe('closed');
    breaker.apply({ trip: { consecutiveFailures: 1 } });
    breaker.enter()?.fail();
    expect(breaker.state).toBe('open');
  });

  it('take another breaker in opossum, which is closed and heard by nobody', async () => {
    const action = (work: () => Promise<unknown>) => work();
    const before = new Opossum(action, { timeout: false });
    before.on('open', () => {});
    await make(2, () => before.fire(failing));
    const after = new Opossum(action, { timeout: false, resetTimeout: 3_000 });
    expect([before.opened, after.opened]).toEqual([true, false]);
    const own = new Opossum(action).listenerCount('open');
    expect(after.listenerCount('open')).toBe(own);
    expect(before.listenerCount('open')).toBe(own + 1);
  });
});
