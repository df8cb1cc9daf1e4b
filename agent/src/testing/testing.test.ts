import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConfigError, isFuseboardError } from '../errors/errors.ts';
import { type Breaker, type Classify, getBreaker } from '../index.ts';
import { createBreaker, FakeClock, resetBreakers, useClock } from './testing.ts';

const after = (consecutiveFailures: number) => ({ trip: { consecutiveFailures } });
const never = () => new Promise<never>(() => {});

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a fake clock', () => {
  it('advances only on request, and never back', () => {
    const clock = new FakeClock();
    clock.advance(0);
    expect(clock.now()).toBe(0);
    clock.advance(7.5);
    expect(clock.now()).toBe(7.5);
    expect(() => clock.advance(-1)).toThrow('a clock cannot go back; advance got -1');
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  });

  it('gives calls up in the order of their times, each at its own', async () => {
    const clock = new FakeClock();
    const given: [string, number][] = [];
    const waiting = ['3s', '1s', '2s'].map((duration) => {
      const breaker = createBreaker({ timeout: { duration }, ...after(1) }, { clock, name: duration });
      breaker.on('transition', ({ at }) => given.push([duration, at]));
      return breaker.execute(never).catch(() => {});
    });
    clock.advance(10_000);
    await Promise.all(waiting);
    expect(given).toEqual([
      ['1s', 1_000],
      ['2s', 2_000],
      ['3s', 3_000],
    ]);
  });
});

describe('createBreaker', () => {
  it('refuses a spec that cannot be used, when made and when edited', () => {
    expect(() => createBreaker({ trip: {} })).toThrow(ConfigError);
    const breaker = createBreaker(after(3));
    expect(() => breaker.apply({ trip: {} })).toThrow(/at least one condition/);
    for (let i = 0; i < 3; i++) breaker.enter()!.fail();
    expect(breaker.state).toBe('open');
  });

  it('is not in the registry and has the name that it is given', () => {
    expect(createBreaker({}).name).toBe('test');
    expect(createBreaker({}, { name: 'payments' }).name).toBe('payments');
  });

  it('follows a clock that only tells the time', async () => {
    jest.useFakeTimers();
    let time = 0;
    const breaker = createBreaker({ timeout: { duration: '1s' }, ...after(1) }, { clock: { now: () => time } });
    const call = breaker.execute(never).catch((error: unknown) => isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT'));
    jest.advanceTimersByTime(5_000);
    expect(breaker.state).toBe('closed');
    time = 1_000;
    jest.advanceTimersByTime(10);
    await expect(call).resolves.toBe(true);
    time = 31_000;
    expect(breaker.state).toBe('half-open');
  });

  it('draws no chance that no field of the policy asks for', () => {
    const random = jest.fn(() => 0.5);
    const breaker = createBreaker({ ...after(1), recovery: { openDuration: '1ms' } }, { random });
    breaker.enter()!.fail();
    expect(random).not.toHaveBeenCalled();
  });

  it('by the clock of the process never looks at the wall clock, which may go back', async () => {
    jest.spyOn(Date, 'now').mockImplementation(() => {
      throw new Error('the wall clock was read');
    });
    const breaker = createBreaker({ ...after(1), recovery: { openDuration: '1ms' }, timeout: { duration: '1h' } });
    await breaker.execute(() => Promise.reject(new Error('down'))).catch(() => {});
    while (breaker.state !== 'half-open') await new Promise(setImmediate);
    await breaker.execute(async () => 5);
    expect(breaker.stats()).toMatchObject({ state: 'closed', totals: { succeeded: 1, failed: 1 } });
  });
});

describe('the breakers of getBreaker in a test', () => {
  const fail = (breaker: Breaker) => breaker.execute(() => Promise.reject(new Error('down'))).catch(() => {});
  const after = (consecutiveFailures: number) => ({ defaults: { trip: { consecutiveFailures } } });

  it('start again, with other defaults', async () => {
    const breaker = getBreaker('again', { ...after(1), classify: () => 'failure' });
    await fail(breaker.for('a'));
    await fail(breaker);
    resetBreakers();
    expect(breaker.stats()).toMatchObject({ state: 'closed', source: 'defaults', totals: { failed: 0, succeeded: 0 } });
    expect(breaker.for('a').state).toBe('closed');
    expect(getBreaker('again', { ...after(2), classify: () => undefined })).toBe(breaker);
    await fail(breaker);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
    breaker.reset();
    await breaker.execute(async () => 'well');
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 2 });
  });

  it('keep what code gave them first, whatever a test gives them until its reset', async () => {
    const warnings = jest.spyOn(process, 'emitWarning');
    const ignored = new Error('ignored');
    const classify: Classify = (outcome) => ('error' in outcome && outcome.error === ignored ? 'ignored' : undefined);
    const breaker = getBreaker('declared', { ...after(1), classify });
    const bare = getBreaker('bare');
    const failsToOpen = async () => {
      await breaker.execute(() => Promise.reject(ignored)).catch(() => {});
      for (let failures = 1; failures <= 5; failures++) {
        await fail(breaker);
        if (breaker.state === 'open') return failures;
      }
      return undefined;
    };
    expect(await failsToOpen()).toBe(1);
    resetBreakers();
    expect(await failsToOpen()).toBe(1);
    useClock(new FakeClock())();
    getBreaker('declared', { ...after(3), classify: () => undefined });
    getBreaker('bare', after(1));
    expect(await failsToOpen()).toBe(2);
    resetBreakers();
    expect(await failsToOpen()).toBe(1);
    expect(bare.source).toBe('defaults');
    expect(warnings).not.toHaveBeenCalled();
  });

  it('count nothing of calls that a reset finds under way, and keep no answer of theirs', async () => {
    const fallback = { type: 'LastSuccess' as const };
    const breaker = getBreaker('under-way', { defaults: { trip: { consecutiveFailures: 1 }, fallback } });
    const policyFallback = { key: 'a', parse: String };
    let fail: (error: Error) => void = () => {};
    let succeed: (answer: string) => void = () => {};
    const failing = new Promise<string>((_resolve, reject) => (fail = reject));
    const succeeding = new Promise<string>((resolve) => (succeed = resolve));
    const calls = Promise.all([
      breaker.execute(() => failing, { fallback: () => 'fallback' }),
      breaker.execute(() => succeeding, { policyFallback }),
    ]);
    resetBreakers();
    fail(new Error('down'));
    succeed('answer');
    expect(await calls).toEqual(['fallback', 'answer']);
    expect(breaker.state).toBe('closed');
    expect(Object.values(breaker.stats().totals).every((count) => count === 0)).toBe(true);
    breaker.forceOpen({ for: '1m', reason: 'test' });
    await expect(breaker.execute(async () => 'never', { policyFallback })).rejects.toThrow('is open');
    expect(breaker.stats().totals.fallback).toBe(0);
  });

  it('warn once more of other defaults in one test', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const breaker = getBreaker('twice', after(1));
    resetBreakers();
    getBreaker('twice', after(1));
    getBreaker('twice', after(2));
    expect(warnings).toHaveBeenCalledTimes(1);
    await fail(breaker);
    expect(breaker.state).toBe('open');
    resetBreakers();
    getBreaker('twice', after(2));
    await fail(breaker);
    expect(breaker.state).toBe('closed');
  });

  it('take the last defaults with their next reset', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const breaker = getBreaker('offered', after(1));
    getBreaker('offered', after(2));
    await fail(breaker);
    expect(breaker.state).toBe('open');
    breaker.reset();
    await fail(breaker);
    expect(breaker.state).toBe('closed');
    expect(warnings).toHaveBeenCalledTimes(1);
    warnings.mockRestore();
  });

  it('run on a clock of the test until that is over', async () => {
    const clock = new FakeClock();
    const restore = useClock(clock);
    const breaker = getBreaker('clocked', {
      defaults: { trip: { consecutiveFailures: 1 }, timeout: { duration: '2s' } },
    });
    const call = breaker.execute(() => new Promise(() => {})).catch((error) => error.code);
    clock.advance(2_000);
    expect(await call).toBe('ERR_FUSEBOARD_TIMEOUT');
    expect(breaker.state).toBe('open');
    clock.advance(30_000);
    expect(breaker.state).toBe('half-open');
    restore();
    expect(breaker.stats()).toMatchObject({ state: 'closed', source: 'defaults' });
  });

  it('follow fake timers', async () => {
    resetBreakers();
    jest.useFakeTimers();
    try {
      const breaker = getBreaker('faked', {
        defaults: { trip: { consecutiveFailures: 1 }, timeout: { duration: '2s' } },
      });
      const call = breaker.execute(() => new Promise(() => {})).catch((error) => error.code);
      jest.advanceTimersByTime(2_000);
      expect(await call).toBe('ERR_FUSEBOARD_TIMEOUT');
      jest.advanceTimersByTime(29_999);
      expect(breaker.state).toBe('open');
      jest.advanceTimersByTime(1);
      expect(breaker.state).toBe('half-open');
    } finally {
      jest.useRealTimers();
    }
  });
});
