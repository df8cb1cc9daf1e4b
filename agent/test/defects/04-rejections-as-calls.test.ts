import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Opossum from 'opossum';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { FAKED, failing, make } from './held-call.ts';

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('one failure and 99 rejections', () => {
  it('are one failed call in ours', async () => {
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 } }, { clock: new FakeClock() });
    await make(100, () => breaker.execute(failing));
    expect(breaker.stats().window).toMatchObject({ calls: 1, failures: 1 });
    expect(breaker.stats().totals).toMatchObject({ failed: 1, rejected: 99 });
  });

  it('are a rate of 1 % in opossum', async () => {
    const breaker = new Opossum((work: () => Promise<unknown>) => work(), { timeout: false });
    await make(100, () => breaker.fire(failing));
    expect((breaker.stats.failures / breaker.stats.fires) * 100).toBe(1);
    breaker.shutdown();
  });
});
