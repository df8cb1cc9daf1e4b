import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyDefaults } from '../breakers/registry.ts';
import { createBreaker, FakeClock } from '../testing/testing.ts';

const down = new Error('down');
const flushPromises = () => new Promise(setImmediate);
const made = (policy: PolicyDefaults, random: () => number = () => 0) => {
  const clock = new FakeClock();
  return { clock, breaker: createBreaker(policy, { clock, random, name: 'payments' }) };
};
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('was fulfilled');
    },
    (error: unknown) => error,
  );
/** A function that fails so many times and then returns 'fine'. */
const failing = (times: number) => {
  let calls = 0;
  return jest.fn(async () => {
    if (calls++ < times) throw down;
    return 'fine';
  });
};
/** A function whose calls end when the test says. */
const held = () => {
  const calls: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  const fn = jest.fn(() => new Promise<unknown>((resolve, reject) => calls.push({ resolve, reject })));
  return { fn, calls };
};
const thrice: PolicyDefaults = {
  trip: { consecutiveFailures: 100 },
  retry: { maxAttempts: 3, backoff: { initial: '100ms', jitterPercent: 0 }, budgetPercent: 100 },
};

describe('a caller that gives up during the wait before a retry', () => {
  const waiting = async (placement: 'InsideBreaker' | 'OutsideBreaker', fn: () => Promise<never>, more = {}) => {
    const { breaker, clock } = made({ ...thrice, retry: { ...thrice.retry!, placement }, ...more });
    const caller = new AbortController();
    const call = caught(breaker.execute(fn, { signal: caller.signal }));
    await flushPromises();
    clock.advance(50);
    await flushPromises();
    return { breaker, caller, call };
  };
  const timeout = new DOMException('too late', 'TimeoutError');

  it.each(['InsideBreaker', 'OutsideBreaker'] as const)('by a timeout, failed and timed out, %s', async (placement) => {
    const { breaker, caller, call } = await waiting(placement, () => Promise.reject(down));
    caller.abort(timeout);
    expect(await call).toBe(timeout);
    expect(breaker.stats().totals).toMatchObject({ failed: 1, timedOut: 1, ignored: 0, retried: 0 });
  });

  it('by a timeout, counts one timeout where the attempt timed out too', async () => {
    const { breaker, caller, call } = await waiting('OutsideBreaker', () => new Promise(() => {}), {
      timeout: { duration: '50ms' },
    });
    caller.abort(timeout);
    expect(await call).toBe(timeout);
    expect(breaker.stats().totals).toMatchObject({ failed: 1, timedOut: 1 });
  });

  it('by a timeout in the queue, is ignored for the attempt that did not begin', async () => {
    const concurrency = { maxConcurrent: 1, maxQueue: 1, queueTimeout: '1m' };
    const { breaker, clock } = made({ ...thrice, concurrency });
    const caller = new AbortController();
    const call = caught(breaker.execute(() => Promise.reject(down), { signal: caller.signal }));
    await flushPromises();
    const holder = breaker.enter()!;
    clock.advance(100);
    await flushPromises();
    caller.abort(timeout);
    expect(await call).toBe(timeout);
    holder.succeed();
    expect(breaker.stats().totals).toMatchObject({ failed: 1, timedOut: 1, ignored: 1, succeeded: 1 });
  });

  it('for another reason, is ignored', async () => {
    const { breaker, caller, call } = await waiting('InsideBreaker', () => Promise.reject(down));
    caller.abort(down);
    expect(await call).toBe(down);
    expect(breaker.stats().totals).toMatchObject({ failed: 0, timedOut: 0, ignored: 1 });
  });
});

describe('a retry', () => {
  it('comes after its wait and gives what the last attempt gave', async () => {
    const { breaker, clock } = made(thrice);
    const fn = failing(2);
    const call = breaker.execute(fn);
    await flushPromises();
    clock.advance(99);
    await flushPromises();
    expect(fn).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await flushPromises();
    expect(fn).toHaveBeenCalledTimes(2);
    clock.advance(1_000);
    await expect(call).resolves.toBe('fine');
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 2, retried: 2 });
  });

  it('rejects with the very last error when the attempts are used up', async () => {
    const { breaker, clock } = made(thrice);
    const errors = [new Error('1'), new Error('2'), new Error('3')];
    const last = errors[2];
    const call = caught(breaker.execute(() => Promise.reject(errors.shift())));
    for (let i = 0; i < 3; i++) {
      await flushPromises();
      clock.advance(1_000);
    }
    expect(await call).toBe(last);
  });

  it('comes after a function that threw at once, too', async () => {
    const { breaker, clock } = made(thrice);
    let calls = 0;
    const call = breaker.execute(() => {
      if (calls++ === 0) throw down;
      return 'fine';
    });
    await flushPromises();
    clock.advance(100);
    await expect(call).resolves.toBe('fine');
  });

  it('comes after a failing Response, whose body is cancelled, and returns the last one untouched', async () => {
    const { breaker, clock } = made({ ...thrice, retry: { ...thrice.retry!, maxAttempts: 2 } });
    const cancel = jest.fn<() => void>();
    const first = new Response(new ReadableStream({ cancel }), { status: 503 });
    const last = new Response('sorry', { status: 503 });
    const answers = [first, last];
    const call = breaker.execute(async () => answers.shift()!);
    await flushPromises();
    expect(cancel).not.toHaveBeenCalled();
    clock.advance(100);
    expect(await call).toBe(last);
    expect(cancel).toHaveBeenCalledTimes(1);
    await expect(last.text()).resolves.toBe('sorry');
  });

  it('gives each attempt the whole time limit', async () => {
    const { breaker, clock } = made({ ...thrice, timeout: { duration: '1s' } });
    const { fn, calls } = held();
    const call = breaker.execute(fn);
    clock.advance(1_000);
    await flushPromises();
    clock.advance(100);
    await flushPromises();
    clock.advance(999);
    calls[1]!.resolve('fine');
    await expect(call).resolves.toBe('fine');
    expect(breaker.stats().totals).toMatchObject({ timedOut: 1, retried: 1, succeeded: 1 });
  });

  it.each<[string, PolicyDefaults, () => Promise<unknown>]>([
    ['an ignored error', { classify: { ignore: { errorNames: ['Error'] } } }, () => Promise.reject(down)],
    ['an error with the status 404', {}, () => Promise.reject(Object.assign(new Error('none'), { status: 404 }))],
    [
      'an ignored Response',
      { classify: { ignore: { httpStatus: ['503'] } } },
      async () => new Response(null, { status: 503 }),
    ],
  ])('does not come after %s', async (_, more, fn) => {
    const { breaker } = made({ ...thrice, ...more });
    await breaker.execute(fn).catch(() => {});
    expect(breaker.stats().totals.retried).toBe(0);
  });

  it('does not come once the circuit is open', async () => {
    const { breaker } = made({ ...thrice, trip: { consecutiveFailures: 1 } });
    expect(await caught(breaker.execute(failing(5)))).toBe(down);
    expect(breaker.stats().totals).toMatchObject({ retried: 0, rejected: 0 });
  });

  it('does not come when the circuit opens while it waits, and the first error stays', async () => {
    const { breaker, clock } = made({ ...thrice, trip: { consecutiveFailures: 2 } });
    const call = caught(breaker.execute(failing(5)));
    await flushPromises();
    breaker.enter()!.fail();
    clock.advance(100);
    expect(await call).toBe(down);
    expect(breaker.stats().totals).toMatchObject({ retried: 0, rejected: 0 });
  });

  it('comes in Shadow mode, where an open circuit rejects nothing', async () => {
    const { breaker, clock } = made({ ...thrice, mode: 'Shadow', trip: { consecutiveFailures: 1 } });
    const call = breaker.execute(failing(1));
    await flushPromises();
    clock.advance(100);
    await expect(call).resolves.toBe('fine');
  });

  it('does not come when an override opens the circuit meanwhile, in Shadow mode too', async () => {
    const { breaker } = made({ ...thrice, mode: 'Shadow' });
    const fn = jest.fn(async () => {
      breaker.forceOpen({ reason: 'drill', for: '1m' });
      throw down;
    });
    expect(await caught(breaker.execute(fn))).toBe(down);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(breaker.stats().totals).toMatchObject({ retried: 0 });
  });

  it('does not come when the policy is Disabled', async () => {
    const { breaker } = made({ ...thrice, mode: 'Disabled' });
    expect(await caught(breaker.execute(failing(1)))).toBe(down);
  });

  it('waits as long as Retry-After asks, and does not come when that is too long', async () => {
    const asking = (seconds: number) =>
      Object.assign(new Error('busy'), { headers: { 'retry-after': String(seconds) } });
    const { breaker, clock } = made(thrice);
    const errors = [asking(2)];
    const call = breaker.execute(async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return 'fine';
    });
    await flushPromises();
    clock.advance(1_999);
    await flushPromises();
    expect(breaker.stats().totals.retried).toBe(0);
    clock.advance(1);
    await expect(call).resolves.toBe('fine');
    const long = asking(11);
    expect(await caught(breaker.execute(() => Promise.reject(long)))).toBe(long);
  });

  it('keeps to its budget', async () => {
    const { breaker, clock } = made({ ...thrice, retry: { ...thrice.retry!, maxAttempts: 2, budgetPercent: 20 } });
    const calls = Array.from({ length: 20 }, () => caught(breaker.execute(() => Promise.reject(down))));
    await flushPromises();
    clock.advance(100);
    await Promise.all(calls);
    expect(breaker.stats().totals).toMatchObject({ retried: 5, failed: 25 });
  });

  it('ends at once when its caller gives up, with the reason of the caller', async () => {
    const { breaker, clock } = made(thrice);
    const caller = new AbortController();
    const reason = new Error('no more');
    const fn = failing(5);
    const call = caught(breaker.execute(fn, { signal: caller.signal }));
    await flushPromises();
    caller.abort(reason);
    expect(await call).toBe(reason);
    clock.advance(10_000);
    await flushPromises();
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('inside the breaker is one call for it, with the outcome of its last attempt', async () => {
    const inside: PolicyDefaults = {
      trip: { consecutiveFailures: 1 },
      retry: { ...thrice.retry!, placement: 'InsideBreaker' },
    };
    const good = made(inside);
    const call = good.breaker.execute(failing(2));
    await flushPromises();
    good.clock.advance(100);
    await flushPromises();
    good.clock.advance(200);
    await expect(call).resolves.toBe('fine');
    expect(good.breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 0, retried: 2 });

    const bad = made(inside);
    const failed = caught(bad.breaker.execute(failing(9)));
    for (let i = 0; i < 3; i++) {
      await flushPromises();
      bad.clock.advance(1_000);
    }
    expect(await failed).toBe(down);
    expect(bad.breaker.stats()).toMatchObject({ state: 'open', totals: { failed: 1, retried: 2 } });
  });

  it('inside the breaker that its caller gives up is an ignored call', async () => {
    const { breaker } = made({ ...thrice, retry: { ...thrice.retry!, placement: 'InsideBreaker' } });
    const caller = new AbortController();
    const call = caught(breaker.execute(failing(5), { signal: caller.signal }));
    await flushPromises();
    caller.abort();
    await call;
    expect(breaker.stats().totals).toMatchObject({ ignored: 1, failed: 0, retried: 0 });
  });

  it('keeps the async context', async () => {
    const { breaker, clock } = made(thrice);
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const call = storage.run('request 7', () =>
      breaker.execute(async () => {
        seen.push(storage.getStore());
        if (seen.length === 1) throw down;
      }),
    );
    await flushPromises();
    clock.advance(100);
    await call;
    expect(seen).toEqual(['request 7', 'request 7']);
  });
});

const one: PolicyDefaults = { trip: { consecutiveFailures: 1 }, concurrency: { maxConcurrent: 1 } };
const queueing: PolicyDefaults = { ...one, concurrency: { maxConcurrent: 1, maxQueue: 2, queueTimeout: '1s' } };

describe('a limit of concurrent calls', () => {
  it('refuses what is beyond it, which says nothing about the dependency', async () => {
    const { breaker } = made(one);
    const { fn, calls } = held();
    const first = breaker.execute(fn);
    const error = await caught(breaker.execute(fn));
    expect(error).toMatchObject({
      name: 'LimitedError',
      code: 'ERR_FUSEBOARD_LIMITED',
      breaker: 'payments',
      message: 'breaker "payments" has 1 calls under way, as many as its policy allows; retry when some have ended',
    });
    expect(error).toBeInstanceOf(Error);
    expect(breaker.stats()).toMatchObject({ state: 'closed', totals: { ignored: 1, failed: 0, rejected: 0 } });
    calls[0]!.resolve('fine');
    await first;
    await expect(breaker.execute(async () => 'next')).resolves.toBe('next');
  });

  it('is free again after a function that threw at once', async () => {
    const { breaker } = made({ ...one, trip: { consecutiveFailures: 9 } });
    const throwing = () => {
      throw down;
    };
    expect(await caught(breaker.execute(throwing))).toBe(down);
    expect(await caught(breaker.execute(throwing))).toBe(down);
  });

  it('holds the place of a call that timed out until its work has really ended', async () => {
    const { breaker, clock } = made({ ...one, trip: { consecutiveFailures: 9 }, timeout: { duration: '1s' } });
    const { fn, calls } = held();
    const first = caught(breaker.execute(fn));
    clock.advance(1_000);
    expect(await first).toMatchObject({ code: 'ERR_FUSEBOARD_TIMEOUT' });
    expect(await caught(breaker.execute(fn))).toMatchObject({ code: 'ERR_FUSEBOARD_LIMITED' });
    calls[0]!.reject(down);
    await flushPromises();
    await expect(breaker.execute(async () => 'next')).resolves.toBe('next');
  });

  it('lets calls wait in their order, without the wait counting as time of the call', async () => {
    const { breaker, clock } = made({ ...queueing, timeout: { duration: '2s' } });
    const { fn, calls } = held();
    const order: string[] = [];
    const named = (name: string) => () => {
      order.push(name);
      return fn();
    };
    const all = ['a', 'b', 'c'].map((name) => breaker.execute(named(name)));
    clock.advance(900);
    calls[0]!.resolve(1);
    await flushPromises();
    expect(order).toEqual(['a', 'b']);
    clock.advance(90);
    calls[1]!.resolve(2);
    await flushPromises();
    expect(order).toEqual(['a', 'b', 'c']);
    clock.advance(1_999);
    calls[2]!.resolve(3);
    await expect(Promise.all(all)).resolves.toEqual([1, 2, 3]);
  });

  it('does not take calls that wait in the queue for calls that hang', async () => {
    const slowCallRate = { thresholdPercent: 50, slowerThan: '1s' };
    const concurrency = { maxConcurrent: 1, maxQueue: 5, queueTimeout: '1h' };
    const { breaker, clock } = made({ trip: { minimumCalls: 2, slowCallRate }, concurrency });
    const { fn, calls } = held();
    const all = [0, 1, 2].map(() => breaker.execute(fn));
    clock.advance(5_000);
    all.push(breaker.execute(fn));
    expect(breaker.state).toBe('closed');
    calls[0]!.resolve(0);
    await flushPromises();
    clock.advance(900);
    breaker.enter()?.ignore();
    expect(breaker.state).toBe('closed');
    clock.advance(5_000);
    breaker.enter()?.ignore();
    expect(breaker.state).toBe('open');
    for (let i = 1; i < 4; i++) {
      calls[i]!.resolve(i);
      await flushPromises();
    }
    await expect(Promise.all(all)).resolves.toEqual([0, 1, 2, 3]);
  });

  it('refuses who waited too long, and who finds the queue full', async () => {
    const { breaker, clock } = made(queueing);
    const { fn } = held();
    void breaker.execute(fn);
    const waiting = [breaker.execute(fn), breaker.execute(fn)].map(caught);
    expect(await caught(breaker.execute(fn))).toMatchObject({
      code: 'ERR_FUSEBOARD_LIMITED',
      message: expect.stringContaining('1 calls under way and 2 wait'),
    });
    clock.advance(1_000);
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({
        name: 'QueueTimeoutError',
        code: 'ERR_FUSEBOARD_QUEUE_TIMEOUT',
        breaker: 'payments',
      });
    }
    expect(breaker.stats()).toMatchObject({ state: 'closed', totals: { ignored: 3 } });
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('removes a caller that aborts from the queue at once', async () => {
    const { breaker } = made(queueing);
    const { fn, calls } = held();
    void breaker.execute(fn);
    const caller = new AbortController();
    const second = caught(breaker.execute(fn, { signal: caller.signal }));
    const third = breaker.execute(fn);
    caller.abort(down);
    expect(await second).toBe(down);
    calls[0]!.resolve(1);
    await flushPromises();
    calls[1]!.resolve(3);
    await expect(third).resolves.toBe(3);
    expect(fn).toHaveBeenCalledTimes(2);
  });

  it('applies to enter and executeSync, which do not wait', async () => {
    const { breaker } = made({ ...queueing, trip: { consecutiveFailures: 9 } });
    const permit = breaker.enter()!;
    expect(breaker.enter()).toBeNull();
    expect(() => breaker.executeSync(() => 1)).toThrow(/as many as its policy allows/);
    expect(breaker.executeSync(() => 1, { fallback: () => 2 })).toBe(2);
    permit.fail(down);
    permit.succeed();
    expect(breaker.executeSync(() => 1)).toBe(1);
    breaker.enter()![Symbol.dispose]();
    breaker.enter()!.ignore();
    breaker.enter()!.succeed();
    expect(breaker.executeSync(() => 1)).toBe(1);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 3, failed: 1, ignored: 5 });
  });

  it('refuses no call in Shadow mode and counts those it would refuse', async () => {
    const { breaker } = made({ ...one, mode: 'Shadow' });
    const { fn, calls } = held();
    const all = [breaker.execute(fn), breaker.execute(fn)];
    breaker.enter()!.succeed();
    for (const { resolve } of calls) resolve(1);
    await expect(Promise.all(all)).resolves.toEqual([1, 1]);
    expect(breaker.stats().totals).toMatchObject({ shadowRejected: 2, ignored: 0 });
  });

  it('admits waiting calls when the policy no longer limits', async () => {
    const { breaker } = made(queueing);
    const { fn, calls } = held();
    const all = [breaker.execute(fn), breaker.execute(fn)];
    breaker.apply({});
    await flushPromises();
    expect(fn).toHaveBeenCalledTimes(2);
    for (const { resolve } of calls) resolve(1);
    await Promise.all(all);
  });

  it('ends a retry that is refused with the error before it', async () => {
    const { breaker, clock } = made({ ...thrice, concurrency: { maxConcurrent: 1 } });
    const { fn } = held();
    const call = caught(breaker.execute(failing(1)));
    await flushPromises();
    void breaker.execute(fn);
    clock.advance(100);
    expect(await call).toBe(down);
    expect(breaker.stats().totals).toMatchObject({ retried: 0, failed: 1, ignored: 1 });
  });
});

describe('an adaptive time limit', () => {
  const adaptive: PolicyDefaults = {
    timeout: { duration: '3s', adaptive: { minimumSamples: 5, headroomPercent: 100, min: '50ms', max: '2s' } },
  };
  const take = async ({ breaker, clock }: ReturnType<typeof made>, ms: number) => {
    const { fn, calls } = held();
    const call = breaker.execute(fn);
    clock.advance(ms);
    calls[0]!.resolve(1);
    await call.catch(() => {});
  };

  it('follows how long calls take, and grows again when they are given up', async () => {
    const policy = made(adaptive);
    for (let i = 0; i < 5; i++) await take(policy, 100);
    await take(policy, 190);
    expect(policy.breaker.stats().totals.timedOut).toBe(0);
    for (let i = 0; i < 5; i++) await take(policy, 1_900);
    expect(policy.breaker.stats().totals.timedOut).toBeGreaterThan(0);
    const { timedOut } = policy.breaker.stats().totals;
    for (let i = 0; i < 5; i++) await take(policy, 1_900);
    expect(policy.breaker.stats().totals.timedOut).toBe(timedOut);
  });

  it('does not take quick failures for quick calls', async () => {
    const { breaker, clock } = made(adaptive);
    for (let i = 0; i < 50; i++) await caught(breaker.execute(() => Promise.reject(down)));
    const { fn, calls } = held();
    const call = breaker.execute(fn);
    clock.advance(2_999);
    calls[0]!.resolve('fine');
    await expect(call).resolves.toBe('fine');
  });
});

describe('calls in any order of events', () => {
  it('never exceed their limit, settle once and leave nothing behind', async () => {
    const event = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ kind: 'call' as const, n: 0 }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('succeed' as const, 'fail' as const), n: fc.nat(9) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), n: fc.nat(9) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), n: fc.nat(900) }) },
    );
    const placement = fc.constantFrom('OutsideBreaker' as const, 'InsideBreaker' as const);
    await fc.assert(
      fc.asyncProperty(placement, fc.array(event, { maxLength: 60, size: 'max' }), async (where, events) => {
        const { breaker, clock } = made({
          trip: { consecutiveFailures: 4 },
          recovery: { openDuration: '500ms' },
          timeout: { duration: '400ms' },
          retry: { maxAttempts: 3, budgetPercent: 100, placement: where },
          concurrency: { maxConcurrent: 2, maxQueue: 2, queueTimeout: '300ms' },
        });
        const running: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
        const callers: AbortController[] = [];
        const calls: Promise<unknown>[] = [];
        const end = async () => {
          await flushPromises();
          expect(running.length).toBeLessThanOrEqual(2);
        };
        for (const { kind, n } of events) {
          if (kind === 'call') {
            const caller = new AbortController();
            callers.push(caller);
            const fn = () => new Promise((resolve, reject) => running.push({ resolve, reject }));
            calls.push(breaker.execute(fn, { signal: caller.signal }).catch(() => 'rejected'));
          } else if (kind === 'pass') clock.advance(n);
          else if (kind === 'abort') callers[n % Math.max(1, callers.length)]?.abort();
          else {
            const [one] = running.splice(n % Math.max(1, running.length), 1);
            if (kind === 'succeed') one?.resolve('fine');
            else one?.reject(down);
          }
          await end();
        }
        for (let i = 0; i < 12; i++) {
          for (const one of running.splice(0)) one.resolve('fine');
          await flushPromises();
          clock.advance(10_000);
          await flushPromises();
        }
        await Promise.all(calls);
        const { totals } = breaker.stats();
        expect(totals.retried).toBeLessThanOrEqual(calls.length * 2);
        // Nothing is held any more: as many calls as the limit allows get in at once.
        breaker.apply({ onUpdate: 'Reset', concurrency: { maxConcurrent: 2 } });
        expect([breaker.enter(), breaker.enter(), breaker.enter()].map((permit) => permit !== null)).toEqual([
          true,
          true,
          false,
        ]);
      }),
      { numRuns: 60 },
    );
  });
});
