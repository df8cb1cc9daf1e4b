import { describe, expect, it } from '@jest/globals';
import { stillHeld } from '../../test/still-held.ts';
import { createBreaker, FakeClock } from '../testing/testing.ts';
import type { CallContext } from './context.ts';

const policy = { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1m' } } as const;

/** A promise with its resolve and reject functions. */
function pending<T>() {
  let resolve = (_: T): void => {};
  let reject = (_: unknown): void => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

describe('what follows a call is used for later ones, so', () => {
  it.each([
    ['a time limit', { timeout: { duration: '10s' } }],
    ['no time limit', {}],
    ['retries', { retry: { maxAttempts: 1 } }],
  ])('what the last call came to is not held, with %s', async (_, layers) => {
    const breaker = createBreaker(layers);
    const succeed = async () => new WeakRef<object>(await breaker.execute(async () => ({})));
    const fail = async () =>
      new WeakRef<object>(await breaker.execute(() => Promise.reject({})).catch((error) => error));
    expect(await stillHeld([await succeed()])).toBe(0);
    expect(await stillHeld([await fail()])).toBe(0);
  });

  it('a promise that calls back twice settles its own call once and no other call', async () => {
    const { promise, resolve } = pending<string>();
    let again = (): void => {};
    const twice = Object.assign(Promise.resolve('unused'), {
      // biome-ignore lint/suspicious/noThenProperty: a promise that misbehaves is what is tested.
      then(onValue: (value: string) => unknown, onError: (error: unknown) => unknown) {
        again = () => onError(new Error('and failed'));
        return Promise.resolve('went well').then(onValue);
      },
    });
    const breaker = createBreaker(policy);
    await expect(breaker.execute(() => twice as Promise<string>)).resolves.toBe('went well');
    const other = breaker.execute(() => promise);
    again();
    resolve('other');
    await expect(other).resolves.toBe('other');
    expect(breaker.stats().totals).toMatchObject({ succeeded: 2, failed: 0 });
  });

  it.each([undefined, '1s'])('calls that overlap keep apart, with a time limit of %s', async (duration) => {
    const breaker = createBreaker({ ...(duration && { timeout: { duration } }) });
    const outcomes: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 5 }, () => pending<number>());
      const results = calls.map(({ promise }) => breaker.execute(() => promise));
      for (const [i, { resolve, reject }] of calls.entries()) {
        if (i % 2 === 0) resolve(i);
        else reject(i);
      }
      for (const { status, ...rest } of await Promise.allSettled(results))
        outcomes.push([status, ...Object.values(rest)]);
    }
    const round = [0, 1, 2, 3, 4].map((i) => [i % 2 === 0 ? 'fulfilled' : 'rejected', i]);
    expect(outcomes).toEqual([...round, ...round, ...round]);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 9, failed: 6 });
  });

  it('a call made by a listener while another one enters has a permit of its own', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker(policy, { clock });
    await breaker.execute(() => Promise.reject(new Error('down'))).catch(() => {});
    clock.advance(60_000);
    const nested: Promise<string>[] = [];
    breaker.on('transition', ({ to }) => {
      if (to === 'half-open') nested.push(breaker.execute(async () => 'nested'));
    });
    const outer = breaker.execute(async () => 'outer');
    const [first] = await Promise.allSettled([outer, ...nested]);
    expect(nested).toHaveLength(1);
    expect(first).toMatchObject({ status: 'fulfilled', value: 'outer' });
    const { succeeded, rejected } = breaker.stats().totals;
    expect({ succeeded, rejected }).toEqual({ succeeded: 1, rejected: 1 });
  });

  it('the signal of a call that has ended is not that of a later one', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ timeout: { duration: '1s' } }, { clock });
    let kept!: CallContext;
    await breaker.execute(async (context) => {
      kept = context;
    });
    let signal!: AbortSignal;
    const late = breaker.execute((context) => {
      signal = context.signal;
      return new Promise(() => {});
    });
    expect(kept.signal).not.toBe(signal);
    clock.advance(2_000);
    await expect(late).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_TIMEOUT' });
    expect([signal.aborted, kept.signal.aborted]).toEqual([true, false]);
  });

  it('the work of a call that was given up may end while others run', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ timeout: { duration: '1s' } }, { clock });
    const [slow, next] = [pending<string>(), pending<string>()];
    const given = breaker.execute(() => slow.promise);
    clock.advance(2_000);
    await expect(given).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_TIMEOUT' });
    const running = breaker.execute(() => next.promise);
    slow.resolve('too late');
    await slow.promise;
    next.resolve('fine');
    await expect(running).resolves.toBe('fine');
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 1, timedOut: 1 });
  });
});
