import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Opossum from 'opossum';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { FAKED, failing, make } from './held-call.ts';

class NotFound extends Error {
  override readonly name = 'NotFound';
}
const notFound = async () => {
  throw new NotFound('no such order');
};

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('an ignored error of a probe', () => {
  it('decides nothing in ours', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(
      {
        trip: { consecutiveFailures: 1 },
        recovery: { openDuration: '1s' },
        classify: { ignore: { errorNames: ['NotFound'] } },
      },
      { clock },
    );
    await make(1, () => breaker.execute(failing));
    clock.advance(1_000);
    await make(1, () => breaker.execute(notFound));
    expect(breaker.state).toBe('half-open');
  });

  it('closes opossum', async () => {
    const breaker = new Opossum((work: () => Promise<unknown>) => work(), {
      resetTimeout: 1_000,
      timeout: false,
      errorFilter: (error: Error) => error instanceof NotFound,
    });
    await make(1, () => breaker.fire(failing));
    jest.advanceTimersByTime(1_000);
    await make(1, () => breaker.fire(notFound));
    expect(breaker.closed).toBe(true);
    breaker.shutdown();
  });
});

describe('an object of options', () => {
  it('is left as it was by ours, and two breakers made from it share nothing', () => {
    const spec = Object.freeze({ trip: Object.freeze({ consecutiveFailures: 1 }) });
    const [first, second] = [createBreaker(spec), createBreaker(spec)];
    first.enter()?.fail();
    expect([first.state, second.state]).toEqual(['open', 'closed']);
    expect(spec).toEqual({ trip: { consecutiveFailures: 1 } });
  });

  it('is filled in by opossum, and shared between breakers', () => {
    const options: Opossum.Options = { errorThresholdPercentage: 20 };
    const [first, second] = [new Opossum(notFound, options), new Opossum(notFound, options)];
    expect(options).toHaveProperty('resetTimeout', 30_000);
    const optionsOf = (breaker: object) => (breaker as { options: object }).options;
    expect(optionsOf(first)).toBe(optionsOf(second));
    first.shutdown();
    second.shutdown();
  });
});
