import { describe, expect, it, jest } from '@jest/globals';
import type { PolicyDefaults } from '../breakers/registry.ts';
import { createBreaker, FakeClock } from '../testing/testing.ts';

const down = new Error('down');
const made = (policy: PolicyDefaults) => {
  const clock = new FakeClock();
  return { clock, breaker: createBreaker({ trip: { consecutiveFailures: 1 }, ...policy }, { clock, name: 'rates' }) };
};
const fixed: PolicyDefaults = { fallback: { type: 'Static', static: { value: { rate: 1.1 } } } };
const last: PolicyDefaults = { fallback: { type: 'LastSuccess' } };
const rate = (value: unknown): number => {
  const { rate } = value as { rate: unknown };
  if (typeof rate !== 'number') throw new TypeError('no rate');
  return rate;
};
const same = (value: unknown) => value;
const fails = () => Promise.reject(down);
const leave = { policyFallback: { key: 'EUR', parse: same } };

describe("the policy's fallback", () => {
  it('answers nothing where the code did not opt in', async () => {
    await expect(made(fixed).breaker.execute(fails)).rejects.toBe(down);
  });

  it('answers a failure and a rejection with what the code makes of the static value', async () => {
    const { breaker } = made(fixed);
    const options = { policyFallback: { key: 'EUR', parse: rate } };
    await expect(breaker.execute(fails, options)).resolves.toBe(1.1);
    expect(breaker.state).toBe('open');
    await expect(breaker.execute(fails, options)).resolves.toBe(1.1);
    expect(breaker.stats().totals).toMatchObject({ failed: 1, rejected: 1, fallback: 2 });
  });

  it('gives each call a value of its own', async () => {
    const { breaker } = made(fixed);
    const first = (await breaker.execute(fails, leave)) as { rate: number };
    first.rate = 0;
    await expect(breaker.execute(fails, leave)).resolves.toEqual({ rate: 1.1 });
  });

  it('answers a timeout and a refusal of the limit', async () => {
    const { breaker, clock } = made({ ...fixed, timeout: { duration: '1s' }, concurrency: { maxConcurrent: 1 } });
    const slow = breaker.execute(() => new Promise(() => {}), leave);
    await expect(breaker.execute(fails, leave)).resolves.toEqual({ rate: 1.1 });
    clock.advance(1_000);
    await expect(slow).resolves.toEqual({ rate: 1.1 });
  });

  it('answers a failing Response, whose body is cancelled', async () => {
    const cancel = jest.fn<() => void>();
    const response = new Response(new ReadableStream({ cancel }), { status: 503 });
    await expect(made(fixed).breaker.execute(async () => response, leave)).resolves.toEqual({ rate: 1.1 });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('does not answer what is no failure', async () => {
    const missing = Object.assign(new Error('none'), { status: 404 });
    await expect(made(fixed).breaker.execute(() => Promise.reject(missing), leave)).rejects.toBe(missing);
    const ignoring = made({ ...fixed, classify: { ignore: { errorNames: ['Error'] } } });
    await expect(ignoring.breaker.execute(fails, leave)).rejects.toBe(down);
  });

  it('does not answer a caller that gave up', async () => {
    const caller = new AbortController();
    const options = { ...leave, signal: caller.signal };
    const call = made(fixed).breaker.execute(() => Promise.reject(caller.abort(down)), options);
    await expect(call).rejects.toBeUndefined();
    await expect(made(fixed).breaker.execute(fails, options)).rejects.toBe(down);
  });

  it('gives way to a fallback in code', async () => {
    const options = { ...leave, fallback: () => 'mine' };
    await expect(made(fixed).breaker.execute(fails, options)).resolves.toBe('mine');
    await expect(made(last).breaker.execute(async () => 5, options)).resolves.toBe(5);
  });

  it('that the code cannot use leaves the error as it was, and says so once', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const { breaker } = made({ fallback: { type: 'Static', static: { value: { rate: 'x' } } } });
      const options = { policyFallback: { key: 'EUR', parse: rate } };
      await expect(breaker.execute(fails, options)).rejects.toBe(down);
      await expect(breaker.execute(fails, options)).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN' });
      expect(warn.mock.calls.map(([message]) => message)).toEqual([
        'the policy\'s fallback of breaker "rates" cannot be used: TypeError: no rate',
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('is the last result under the same key, and nothing under another', async () => {
    const { breaker } = made(last);
    await breaker.execute(async () => 'euro', leave);
    await breaker.execute(async () => 'not kept');
    await expect(breaker.execute(fails, leave)).resolves.toBe('euro');
    const other = { policyFallback: { key: 'USD', parse: same } };
    await expect(breaker.execute(fails, other)).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN' });
  });

  it('is never a Response, which only one caller can read', async () => {
    const { breaker } = made(last);
    await breaker.execute(async () => new Response('once'), leave);
    await expect(breaker.execute(fails, leave)).rejects.toBe(down);
  });

  it('is at most as old as the policy allows', async () => {
    const { breaker, clock } = made({
      fallback: { type: 'LastSuccess', maxAge: '1m' },
      trip: { consecutiveFailures: 9 },
    });
    await breaker.execute(async () => 'euro', leave);
    clock.advance(60_000);
    await expect(breaker.execute(fails, leave)).resolves.toBe('euro');
    clock.advance(1);
    await expect(breaker.execute(fails, leave)).rejects.toBe(down);
  });

  it('keeps a hundred answers for all keys of a breaker together, each key its own', async () => {
    const { breaker } = made(last);
    const answers = (host: string, key: string, fn: () => Promise<unknown>) =>
      breaker.for(host).execute(fn, { policyFallback: { key, parse: same } });
    for (let i = 0; i < 60; i++) await answers('a', `${i}`, async () => `a${i}`);
    for (let i = 0; i < 60; i++) await answers('b', `${i}`, async () => `b${i}`);
    await expect(answers('a', '59', fails)).resolves.toBe('a59');
    await expect(answers('b', '59', fails)).resolves.toBe('b59');
    await expect(answers('a', '19', fails)).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN' });
    await expect(breaker.execute(fails, { policyFallback: { key: '59', parse: same } })).rejects.toBe(down);
  });

  it('keeps a hundred answers, the least recently used leaves first', async () => {
    const { breaker } = made({ ...last, trip: { consecutiveFailures: 999 } });
    const under = (key: number) => ({ policyFallback: { key: `key ${key}`, parse: same } });
    for (let key = 0; key < 100; key++) await breaker.execute(async () => key, under(key));
    await expect(breaker.execute(fails, under(0))).resolves.toBe(0);
    await breaker.execute(async () => 100, under(100));
    await expect(breaker.execute(fails, under(0))).resolves.toBe(0);
    await expect(breaker.execute(fails, under(1))).rejects.toBe(down);
  });
});

describe('whether code opts in to the fallback', () => {
  const scene = (policy: PolicyDefaults) => {
    const { breaker } = made(policy);
    return { breaker, optedIn: () => breaker.stats().optedIn };
  };

  it('is not known before a call, nor where there is no fallback', async () => {
    const { breaker, optedIn } = scene(fixed);
    expect(optedIn()).toBeUndefined();
    await breaker.execute(async () => 1);
    expect(optedIn()).toBe(false);
    const without = scene({});
    await without.breaker.execute(async () => 1, leave);
    expect(without.optedIn()).toBeUndefined();
  });

  it('is so once any call did, with a key or without, and before the policy had a fallback', async () => {
    const { breaker, optedIn } = scene(fixed);
    await breaker.execute(async () => 1);
    await breaker.for('a').execute(async () => 1, leave);
    expect(optedIn()).toBe(true);
    const later = scene({});
    await later.breaker.execute(async () => 1, leave);
    later.breaker.apply(fixed);
    expect(later.optedIn()).toBe(true);
  });
});
