import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, jest } from '@jest/globals';
import type { PolicyDefaults } from '../breakers/registry.ts';
import { isFuseboardError } from '../errors/errors.ts';
import { createBreaker, FakeClock } from '../testing/testing.ts';

const opens = (policy: PolicyDefaults = {}) => {
  const clock = new FakeClock();
  const breaker = createBreaker({ trip: { consecutiveFailures: 1 }, ...policy }, { clock, name: 'payments' });
  return { clock, breaker };
};
const opened = (policy: PolicyDefaults = {}) => {
  const made = opens(policy);
  made.breaker.enter()!.fail();
  return made;
};
const timed = () => opens({ trip: { consecutiveFailures: 100 }, timeout: { duration: '2s' } });
const down = new Error('down');
const never = () => new Promise<never>(() => {});
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('was fulfilled');
    },
    (error: unknown) => error,
  );

describe('execute', () => {
  it.each<[string, PolicyDefaults]>([
    ['no time limit', {}],
    ['a time limit', { timeout: { duration: '2s' } }],
  ])('starts the work of a lazy thenable once in a probe, with %s', async (_, policy) => {
    const { breaker, clock } = opened(policy);
    clock.advance(30_000);
    expect(breaker.state).toBe('half-open');
    let started = 0;
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
    const lazy = { then: (resolve: (value: number) => void) => resolve(++started) };
    await expect(breaker.execute<unknown, unknown>(() => lazy)).resolves.toBe(1);
    expect([started, breaker.state]).toEqual([1, 'closed']);
  });

  it.each<[string, () => unknown]>([
    ['a promise', async () => 5],
    ['a plain value', () => 5],
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
    ['a thenable', () => ({ then: (resolve: (value: number) => void) => resolve(5) })],
  ])('gives the result of a function that returns %s', async (_, fn) => {
    for (const { breaker } of [opens(), timed()]) {
      await expect(breaker.execute(fn)).resolves.toBe(5);
      expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 0 });
    }
  });

  it.each<[string, () => unknown]>([
    ['rejects', () => Promise.reject(down)],
    [
      'throws',
      () => {
        throw down;
      },
    ],
    [
      'returns a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
        then() {
          throw down;
        },
      }),
    ],
  ])('rejects with the very error of a function that %s', async (_, fn) => {
    for (const { breaker } of [opens(), timed()]) {
      expect(await caught(breaker.execute(fn))).toBe(down);
      expect(breaker.stats().totals).toMatchObject({ succeeded: 0, failed: 1 });
    }
  });

  it('rejects without calling the function while open, with a fresh error that says when to retry', async () => {
    const { breaker, clock } = opened();
    clock.advance(17_600);
    const fn = jest.fn(async () => 5);
    const error = await caught(breaker.execute(fn));
    expect(fn).not.toHaveBeenCalled();
    expect(error).toMatchObject({
      name: 'CircuitOpenError',
      code: 'ERR_FUSEBOARD_OPEN',
      breaker: 'payments',
      retryAfterMs: 12_400,
      message: 'breaker "payments" is open; retry in 12.4 s',
    });
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).stack?.split('\n')).toHaveLength(1);
    expect(await caught(breaker.execute(fn))).not.toBe(error);
    expect(breaker.stats().totals.rejected).toBe(2);
  });

  it('says so when it is half-open and the probes are under way', async () => {
    const { breaker, clock } = opened();
    clock.advance(30_000);
    void breaker.execute(never);
    expect(await caught(breaker.execute(never))).toMatchObject({
      retryAfterMs: 0,
      message: 'breaker "payments" is half-open and its probes are under way; retry when they have ended',
    });
  });

  it('returns a failing Response untouched and counts it', async () => {
    const { breaker } = opens();
    const response = new Response('sorry', { status: 503 });
    expect(await breaker.execute(() => response)).toBe(response);
    await expect(response.text()).resolves.toBe('sorry');
    expect(breaker.state).toBe('open');
  });

  it('returns a new promise, so that an unhandled rejection is reported', async () => {
    const { breaker } = opens();
    const given = Promise.reject(down);
    const got = breaker.execute(() => given);
    expect(got).not.toBe(given);
    await caught(got);
  });
});

describe('a fallback', () => {
  it('answers a rejection', async () => {
    const { breaker } = opened();
    const errors: unknown[] = [];
    const fallback = (error: unknown) => {
      errors.push(error);
      return 'cached';
    };
    await expect(breaker.execute(async () => 5, { fallback })).resolves.toBe('cached');
    expect(isFuseboardError(errors[0], 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(breaker.stats().totals).toMatchObject({ rejected: 1, fallback: 1 });
  });

  it('answers an error, and one that classify ignores as well', async () => {
    const { breaker } = opens({ classify: { ignore: { errorNames: ['Error'] } } });
    await expect(breaker.execute(() => Promise.reject(down), { fallback: async (e) => [e] })).resolves.toEqual([down]);
    expect(breaker.stats().totals).toMatchObject({ ignored: 1, fallback: 1 });
  });

  it('answers a timeout', async () => {
    const { breaker, clock } = timed();
    const answer = breaker.execute(never, { fallback: (error) => isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT') });
    clock.advance(2_000);
    await expect(answer).resolves.toBe(true);
  });

  it('is not asked when all is well', async () => {
    const { breaker } = opens();
    const fallback = jest.fn();
    await expect(breaker.execute(async () => 5, { fallback })).resolves.toBe(5);
    expect(fallback).not.toHaveBeenCalled();
    expect(breaker.stats().totals.fallback).toBe(0);
  });

  it('rejects with what it throws itself', async () => {
    const fallback = () => {
      throw down;
    };
    expect(await caught(opened().breaker.execute(async () => 5, { fallback }))).toBe(down);
    expect(await caught(opens().breaker.execute(() => Promise.reject(new Error('x')), { fallback }))).toBe(down);
  });

  it('replaces a failing Response, whose body is cancelled', async () => {
    const { breaker } = opens();
    const cancel = jest.fn<() => void>();
    const response = new Response(new ReadableStream({ cancel }), { status: 503 });
    await expect(breaker.execute(() => response, { fallback: (seen) => [seen] })).resolves.toEqual([response]);
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('may hand the failing Response on', async () => {
    const { breaker } = opens();
    const response = new Response('sorry', { status: 503 });
    const got = await breaker.execute(() => response, { fallback: (seen) => seen });
    expect(got).toBe(response);
    await expect(response.text()).resolves.toBe('sorry');
  });

  it('replaces a failing result whose body cannot be cancelled', async () => {
    const result = (body: unknown) => ({ status: 500, headers: { get: () => null }, body });
    const refusing = { cancel: () => Promise.reject(down) };
    const throwing = {
      cancel() {
        throw down;
      },
    };
    for (const body of [undefined, null, {}, refusing, throwing]) {
      await expect(opens().breaker.execute(() => result(body), { fallback: () => 1 })).resolves.toBe(1);
    }
  });

  it('has a signal of its own, that the caller can abort', async () => {
    const caller = new AbortController();
    const fallback = (_: unknown, { signal }: { signal: AbortSignal }) => signal;
    expect(await opened().breaker.execute(never, { fallback, signal: caller.signal })).toBe(caller.signal);
    expect((await opened().breaker.execute(never, { fallback })).aborted).toBe(false);
  });
});

describe('a time limit', () => {
  it('gives a call up exactly at its end, tells the function and counts a failure', async () => {
    const { breaker, clock } = timed();
    let seen: AbortSignal | undefined;
    const call = breaker.execute(({ signal }) => {
      seen = signal;
      return never();
    });
    clock.advance(1_999);
    expect(seen!.aborted).toBe(false);
    clock.advance(1);
    const error = await caught(call);
    expect(error).toMatchObject({
      name: 'CallTimeoutError',
      code: 'ERR_FUSEBOARD_TIMEOUT',
      breaker: 'payments',
      retryAfterMs: 0,
      message: 'a call through breaker "payments" was given up after 2.0 s',
    });
    expect(seen!.reason).toBe(error);
    expect(breaker.stats().totals).toMatchObject({ failed: 1, timedOut: 1 });
  });

  it('is a failure although classify ignores every error', async () => {
    const { breaker, clock } = opens({
      timeout: { duration: '1s' },
      classify: { ignore: { errorNames: ['Error', 'CallTimeoutError'] } },
    });
    const call = caught(breaker.execute(never));
    clock.advance(1_000);
    await call;
    expect(breaker.state).toBe('open');
  });

  it.each<[string, (end: { resolve(v: unknown): void; reject(e: unknown): void }) => void]>([
    ['succeeds', ({ resolve }) => resolve(1)],
    ['fails', ({ reject }) => reject(down)],
  ])('is not undone by a call that %s later', async (_, finish) => {
    const { breaker, clock } = timed();
    let end!: { resolve(v: unknown): void; reject(e: unknown): void };
    const call = caught(breaker.execute(() => new Promise((resolve, reject) => (end = { resolve, reject }))));
    clock.advance(2_000);
    expect(isFuseboardError(await call)).toBe(true);
    finish(end);
    await new Promise(setImmediate);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 0, failed: 1, timedOut: 1 });
  });

  it('leaves a call alone that ended in time', async () => {
    const { breaker, clock } = timed();
    let seen: AbortSignal | undefined;
    await breaker.execute(({ signal }) => {
      seen = signal;
    });
    clock.advance(10_000);
    expect(seen!.aborted).toBe(false);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, timedOut: 0 });
  });

  it('keeps the async context in abort listeners and after the call', async () => {
    const { breaker, clock } = timed();
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const call = storage.run('request 7', async () => {
      await breaker
        .execute(({ signal }) => {
          signal.addEventListener('abort', () => seen.push(storage.getStore()));
          return never();
        })
        .catch(() => seen.push(storage.getStore()));
      await breaker.execute(() => Promise.reject(down), { fallback: () => seen.push(storage.getStore()) });
    });
    clock.advance(2_000);
    await call;
    expect(seen).toEqual(['request 7', 'request 7', 'request 7']);
  });

  it('follows an edit from the next call on', async () => {
    const { breaker, clock } = timed();
    const first = caught(breaker.execute(never));
    breaker.apply({ timeout: { duration: '500ms' } });
    const second = caught(breaker.execute(never));
    clock.advance(500);
    expect(await second).toMatchObject({ message: expect.stringContaining('500 ms') });
    expect(breaker.stats().totals.timedOut).toBe(1);
    clock.advance(1_500);
    await first;
    expect(breaker.stats().totals.timedOut).toBe(2);
  });
});

describe("the caller's signal", () => {
  it('is what the function gets when the policy sets no time limit', async () => {
    const { signal } = new AbortController();
    expect(await opens().breaker.execute((context) => context.signal, { signal })).toBe(signal);
  });

  it('is the same on every reading', async () => {
    for (const { breaker } of [opens(), timed()]) {
      await breaker.execute((context) => expect(context.signal).toBe(context.signal));
    }
  });

  it('is all that the function gets', async () => {
    for (const { breaker } of [opens(), timed()]) {
      await breaker.execute((context) => {
        const shown = Object.getOwnPropertyNames(Object.getPrototypeOf(context));
        expect([...Object.keys(context), ...shown].filter((name) => name !== 'constructor')).toEqual(['signal']);
      });
    }
  });

  it('reaches the function together with the timeout, and the outcome is ignored', async () => {
    for (const { breaker } of [opens(), timed()]) {
      const caller = new AbortController();
      const call = breaker.execute(
        ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        { signal: caller.signal },
      );
      caller.abort(down);
      expect(await caught(call)).toBe(down);
      expect(breaker.stats().totals).toMatchObject({ ignored: 1, failed: 0 });
    }
  });

  it('makes even a late timeout an ignored outcome', async () => {
    const { breaker, clock } = timed();
    const caller = new AbortController();
    const call = caught(breaker.execute(never, { signal: caller.signal }));
    caller.abort();
    clock.advance(2_000);
    await call;
    expect(breaker.stats().totals).toMatchObject({ ignored: 1, failed: 0, timedOut: 0 });
  });

  it('that has been aborted keeps the call from beginning', async () => {
    const { breaker } = opens();
    const fn = jest.fn();
    expect(await caught(breaker.execute(fn, { signal: AbortSignal.abort(down) }))).toBe(down);
    await expect(breaker.execute(fn, { signal: AbortSignal.abort(), fallback: () => 1 })).resolves.toBe(1);
    expect(fn).not.toHaveBeenCalled();
    expect(breaker.stats().totals).toMatchObject({ succeeded: 0, failed: 0, ignored: 0, rejected: 0 });
  });

  it('counts for nothing when the call succeeds all the same', async () => {
    const { breaker } = opens();
    const caller = new AbortController();
    const fn = async () => caller.abort();
    await breaker.execute(fn, { signal: caller.signal });
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, ignored: 0 });
  });
});

describe('executeSync', () => {
  it('gives the result or throws the very error', () => {
    const { breaker } = opens({ trip: { consecutiveFailures: 2 } });
    expect(breaker.executeSync(() => 5)).toBe(5);
    const fail = () => {
      throw down;
    };
    expect(() => breaker.executeSync(fail)).toThrow(down);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 1 });
  });

  it('throws while open, or asks the fallback', () => {
    const { breaker } = opened();
    expect(() => breaker.executeSync(() => 5)).toThrow('breaker "payments" is open; retry in 30.0 s');
    expect(breaker.executeSync(() => 5, { fallback: () => 6 })).toBe(6);
    expect(breaker.stats().totals).toMatchObject({ rejected: 2, fallback: 1 });
  });

  it('asks the fallback for a failing result, and returns it untouched without one', () => {
    const result = { status: 500, headers: { get: () => null } };
    expect(opens().breaker.executeSync(() => result)).toBe(result);
    expect(opens().breaker.executeSync<unknown, unknown>(() => result, { fallback: (seen) => [seen] })).toEqual([
      result,
    ]);
  });

  it('releases its place before the fallback, which may use the breaker', () => {
    const fail = () => {
      throw down;
    };
    for (const fn of [fail, () => ({ status: 500, headers: { get: () => null } })]) {
      const { breaker } = opens({ trip: { consecutiveFailures: 2 }, concurrency: { maxConcurrent: 1 } });
      const fallback = () => breaker.executeSync(() => 'other');
      expect(breaker.executeSync<unknown, unknown>(fn, { fallback })).toBe('other');
    }
  });

  it('refuses a function that returns a promise', async () => {
    const { breaker } = opens();
    expect(() => breaker.executeSync(() => Promise.reject(down))).toThrow(/use execute/);
    await new Promise(setImmediate);
    expect(breaker.stats().totals).toMatchObject({ ignored: 1, failed: 0 });
  });
});

describe('wrap', () => {
  it('keeps this, arguments, name and length', async () => {
    const { breaker } = opens();
    const shop = {
      currency: 'EUR',
      async price(this: { currency: string }, amount: number, factor: number) {
        return `${amount * factor} ${this.currency}`;
      },
    };
    shop.price = breaker.wrap(shop.price);
    await expect(shop.price(6, 7)).resolves.toBe('42 EUR');
    expect([shop.price.name, shop.price.length]).toEqual(['price', 2]);
  });

  it('rejects while open', async () => {
    const { breaker } = opened();
    await expect(breaker.wrap(async () => 5)()).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN' });
  });
});

describe('enter', () => {
  it('gives a permit that is settled once', () => {
    const { breaker } = opens({ trip: { consecutiveFailures: 5 } });
    const permit = breaker.enter()!;
    permit.succeed();
    permit.fail();
    permit.ignore();
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 0, ignored: 0 });
  });

  it('judges an error as the policy says', () => {
    const { breaker } = opens({ classify: { ignore: { errorCodes: ['E1'] } } });
    breaker.enter()!.fail({ code: 'E1' });
    expect(breaker.stats().totals).toMatchObject({ failed: 0, ignored: 1 });
    breaker.enter()!.fail(down);
    expect(breaker.state).toBe('open');
    expect(breaker.enter()).toBeNull();
  });

  it('ignores a permit that is disposed unsettled', () => {
    const { breaker } = opens();
    breaker.enter()![Symbol.dispose]();
    expect(breaker.stats().totals).toMatchObject({ ignored: 1 });
  });
});
