import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Opossum from 'opossum';
import { createBreaker, FakeClock } from '../../src/testing/testing.ts';
import { FAKED, flushPromises } from './held-call.ts';

const CAPACITY = 2;
const ROUNDS = 6;

/** Work that nobody can stop, and how much of it continued at once. */
class Unstoppable {
  running = 0;
  peak = 0;

  readonly work = (): Promise<never> => {
    this.running++;
    this.peak = Math.max(this.peak, this.running);
    return new Promise(() => {});
  };
}

beforeEach(() => {
  jest.useFakeTimers({ ...FAKED, doNotFake: [...FAKED.doNotFake] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('work that continues after its time limit', () => {
  it('keeps its place in our limiter', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(
      { timeout: { duration: '100ms' }, concurrency: { maxConcurrent: CAPACITY } },
      { clock },
    );
    const unstoppable = new Unstoppable();
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < CAPACITY; i++) breaker.execute(unstoppable.work).catch(() => {});
      clock.advance(100);
      await flushPromises();
    }
    expect(unstoppable.peak).toBe(CAPACITY);
  });

  it('loses it in opossum, so that far more runs at once', async () => {
    const breaker = new Opossum((work: () => Promise<unknown>) => work(), {
      timeout: 100,
      capacity: CAPACITY,
      errorThresholdPercentage: 100,
    });
    const unstoppable = new Unstoppable();
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < CAPACITY; i++) breaker.fire(unstoppable.work).catch(() => {});
      jest.advanceTimersByTime(100);
      await flushPromises();
    }
    expect(unstoppable.peak).toBe(CAPACITY * ROUNDS);
    breaker.shutdown();
  });
});

describe('one call that is out of time', () => {
  const never = () => new Promise(() => {});

  it('is alone in being aborted by ours', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ timeout: { duration: '100ms' } }, { clock });
    const signals: AbortSignal[] = [];
    const call = () =>
      breaker
        .execute(({ signal }) => {
          signals.push(signal);
          return never();
        })
        .catch(() => {});
    call();
    clock.advance(60);
    call();
    clock.advance(50);
    await flushPromises();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('aborts every call under way in opossum', async () => {
    const breaker = new Opossum((_signal: AbortSignal) => never(), {
      timeout: 100,
      abortController: new AbortController(),
    });
    const signals: AbortSignal[] = [];
    const call = () => {
      const { signal } = (breaker as unknown as { getAbortController(): AbortController }).getAbortController();
      signals.push(signal);
      breaker.fire(signal).catch(() => {});
    };
    call();
    jest.advanceTimersByTime(60);
    call();
    jest.advanceTimersByTime(50);
    await flushPromises();
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
    breaker.shutdown();
  });
});
