import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, jest } from '@jest/globals';
import type { PolicyDefaults } from '../src/breakers/registry.ts';
import { isFuseboardError } from '../src/errors/errors.ts';
import { createBreaker, FakeClock } from '../src/testing/testing.ts';

const made = (policy: PolicyDefaults) => {
  const clock = new FakeClock();
  return { clock, breaker: createBreaker(policy, { clock, name: 'payments' }) };
};
const settled = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
const flushPromises = () => new Promise(setImmediate);
const timeout = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
/** A call that hangs until its signal aborts. */
const hung = ({ signal }: { signal: AbortSignal }) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
const policies: [string, PolicyDefaults][] = [
  ['alone', {}],
  ['with a time limit', { timeout: { duration: '1h' } }],
  ['with retries', { retry: { maxAttempts: 3, budgetPercent: 100 } }],
  ['with retries inside', { retry: { maxAttempts: 3, budgetPercent: 100, placement: 'InsideBreaker' } }],
];

describe.each(policies)('the signal of a caller, of a breaker %s', (_, policy) => {
  const trip = { consecutiveFailures: 1, slowCallRate: { thresholdPercent: 100, slowerThan: '1s' } };
  it('that aborts because a time is over is a failure that timed out, and opens the circuit', async () => {
    const { breaker, clock } = made({ trip, ...policy });
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, new AbortController().signal]);
    const call = settled(breaker.execute(hung, { signal }));
    clock.advance(1_001);
    const reason = timeout();
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(breaker.stats().totals).toMatchObject({ failed: 1, timedOut: 1, ignored: 0, slow: 1, retried: 0 });
    expect(breaker.state).toBe('open');
  });

  it('is not held against anybody where its owner wants no answer any more', async () => {
    const { breaker } = made({ trip, ...policy });
    const controller = new AbortController();
    const call = settled(breaker.execute(hung, { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
    expect(breaker.stats().totals).toMatchObject({ failed: 0, timedOut: 0, ignored: 1 });
  });

  it('that timed out is ignored where the policy ignores it', async () => {
    const { breaker } = made({ classify: { ignore: { errorNames: ['TimeoutError'] } }, ...policy });
    const controller = new AbortController();
    const call = settled(breaker.execute(hung, { signal: controller.signal }));
    controller.abort(timeout());
    await call;
    expect(breaker.stats().totals).toMatchObject({ failed: 0, timedOut: 0, ignored: 1 });
  });
});

describe.each(policies)('a breaker twice around one call, %s', (_, policy) => {
  it('closes again, and says once that it is used twice', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { breaker, clock } = made({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s' }, ...policy });
    const nested = [
      () => breaker.execute(() => breaker.execute(async () => 'well')),
      () => breaker.execute(async () => breaker.executeSync(() => 'well')),
      async () => breaker.executeSync(() => breaker.executeSync(() => 'well')),
    ];
    for (const call of [...nested, ...nested]) {
      breaker.enter()!.fail();
      clock.advance(1_000);
      await expect(call()).resolves.toBe('well');
      expect(breaker.state).toBe('closed');
    }
    expect(warnings.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringContaining('"payments" is used twice'),
    ]);
    warnings.mockRestore();
  });

  it('still rejects the calls of others while one tests it', async () => {
    const { breaker, clock } = made({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s' }, ...policy });
    breaker.enter()!.fail();
    clock.advance(1_000);
    let end = () => {};
    const probe = breaker.execute(() => new Promise<void>((resolve) => (end = resolve)));
    const other = await settled(breaker.execute(async () => 1));
    expect(isFuseboardError(other, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    end();
    await probe;
    expect(breaker.state).toBe('closed');
  });
});

it('rejects the calls after a synchronous probe that failed', () => {
  const { breaker, clock } = made({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s' } });
  breaker.enter()!.fail();
  clock.advance(1_000);
  const fail = () => {
    throw new Error('down');
  };
  expect(() => breaker.executeSync(fail)).toThrow('down');
  expect(() => breaker.executeSync(() => 'well')).toThrow('breaker "payments" is open');
});

it('tries nothing again that another breaker did not let through', async () => {
  const inner = createBreaker({ trip: { consecutiveFailures: 1 } });
  inner.enter()!.fail();
  const { breaker } = made({ retry: { maxAttempts: 3, budgetPercent: 100 } });
  const fn = jest.fn(() => inner.execute(async () => 1));
  await settled(breaker.execute(fn));
  const wrapping = jest.fn(() =>
    inner.execute(async () => 1).catch((cause) => Promise.reject(new Error('x', { cause }))),
  );
  await settled(breaker.execute(wrapping));
  expect([fn.mock.calls.length, wrapping.mock.calls.length, breaker.stats().totals.retried]).toEqual([1, 1, 0]);
});

it('tries nothing again where the call says so, and does not wait', async () => {
  const { breaker } = made({ retry: { maxAttempts: 3, budgetPercent: 100 } });
  const fn = jest.fn(async () => Promise.reject(new Error('down')));
  await settled(breaker.execute(fn, { retry: false }));
  expect(fn).toHaveBeenCalledTimes(1);
  expect(breaker.stats().totals).toMatchObject({ failed: 1, retried: 0 });
});

describe('a response that nobody will read', () => {
  const response = (cancel: () => void, status = 200) => new Response(new ReadableStream({ cancel }), { status });
  it('is thrown away when it comes after the time limit', async () => {
    const { breaker, clock } = made({ timeout: { duration: '1s' } });
    const cancelled = jest.fn();
    let answer = (_: Response) => {};
    const call = settled(breaker.execute(() => new Promise<Response>((resolve) => (answer = resolve))));
    clock.advance(1_000);
    expect(isFuseboardError(await call, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    answer(response(cancelled));
    await flushPromises();
    expect(cancelled).toHaveBeenCalledTimes(1);
  });

  it('is thrown away when it hangs on an error that another attempt replaces', async () => {
    const { breaker, clock } = made({ retry: { maxAttempts: 2, budgetPercent: 100 } });
    const cancelled = jest.fn();
    let attempts = 0;
    const call = breaker.execute(async () => {
      if (attempts++ > 0) return 'well';
      throw Object.assign(new Error('503'), { response: response(cancelled, 503) });
    });
    await flushPromises();
    clock.advance(1_000);
    await expect(call).resolves.toBe('well');
    expect(cancelled).toHaveBeenCalledTimes(1);
  });
});

it('tells listeners of a time limit in the context of its call', async () => {
  const requests = new AsyncLocalStorage<string>();
  const { breaker, clock } = made({ trip: { consecutiveFailures: 1 }, timeout: { duration: '1s' } });
  const seen: unknown[] = [];
  breaker.on('transition', () => seen.push(requests.getStore()));
  const call = requests.run('request 1', () => settled(breaker.execute(() => new Promise(() => {}))));
  clock.advance(1_000);
  await call;
  expect(seen).toEqual(['request 1']);
});

describe('an answer of LastSuccess', () => {
  class Price {
    amount = 5;
  }
  const answers = (copy?: boolean) => {
    const { breaker } = made({ fallback: { type: 'LastSuccess' } });
    const policyFallback = { key: 'a', parse: (value: unknown) => value as Record<string, unknown[]>, copy };
    return {
      keep: (value: unknown) => breaker.execute(async () => value, { policyFallback }),
      read: () =>
        breaker.execute((): Promise<Record<string, unknown[]>> => Promise.reject(new Error('down')), {
          policyFallback,
        }),
    };
  };

  it('is not changed by what a caller does to its own', async () => {
    const { keep, read } = answers();
    const mine = { items: ['tea'], seen: new Map([['a', new Date(0)]]) };
    await keep(mine);
    mine.items.push('mine');
    (await read()).items!.push('of another');
    expect(await read()).toEqual({ items: ['tea'], seen: new Map([['a', new Date(0)]]) });
  });

  it('is shared where the code says so, and where a copy would lose something, with a warning', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const shared = answers(false);
    const value = { items: [1] };
    await shared.keep(value);
    expect(await shared.read()).toBe(value);
    expect(warnings).not.toHaveBeenCalled();
    const { keep, read } = answers();
    const classy = { items: [new Price()] };
    await keep(classy);
    expect(await read()).toBe(classy);
    expect(warnings.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining('is not plain data')]);
    warnings.mockRestore();
  });
});

it('wraps a function with what hangs on it, and hands it its context where asked', async () => {
  const { breaker, clock } = made({ timeout: { duration: '1s' } });
  const load = Object.assign(async (n: number) => n, { cancel: () => 'cancelled' });
  const wrapped = breaker.wrap(load);
  expect([wrapped.name, wrapped.length, wrapped.cancel(), await wrapped(5)]).toEqual([load.name, 1, 'cancelled', 5]);
  const aborted = jest.fn();
  const hanging = breaker.wrap(
    (_id: string, context?: { signal: AbortSignal }) => {
      context!.signal.addEventListener('abort', aborted);
      return new Promise(() => {});
    },
    { passContext: true },
  );
  const call = settled(hanging('a'));
  clock.advance(1_000);
  await call;
  expect(aborted).toHaveBeenCalledTimes(1);
});
