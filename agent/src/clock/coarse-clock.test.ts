import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Deadline } from '../core/layers/timeout.ts';
import { CoarseClock } from './coarse-clock.ts';

/** Fake timers; the time that the clock reads is set apart, so that a busy event loop can be played. */
let time = 0;
const pass = (ms: number) => {
  for (let i = 0; i < ms; i++) {
    time++;
    jest.advanceTimersByTime(1);
  }
};
const deadline = (expire: () => void): Deadline => ({ dueAt: 0, previous: null, next: null, expire });

beforeEach(() => {
  time = 1_000;
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('the clock', () => {
  it('is exact to the millisecond at the first reading after a rest, and lags by a tick at most from then on', () => {
    const clock = new CoarseClock(() => time);
    expect(clock.now()).toBe(1_000);
    for (let i = 0; i < 100; i++) {
      pass(1);
      expect(time - clock.now()).toBeLessThanOrEqual(5);
    }
    pass(10_000);
    time += 0.5;
    expect(clock.now()).toBe(time - 0.5);
    expect(clock.exact()).toBe(time - 0.5);
  });

  it('lets no deadline expire a part of a millisecond early', () => {
    const clock = new CoarseClock(() => time);
    const expire = jest.fn();
    const tickAt = (now: number) => {
      time = now;
      jest.advanceTimersByTime(5);
    };
    clock.now();
    time = 1_004.2;
    clock.add(deadline(expire), 5);
    for (const now of [1_004.9, 1_009.1, 1_009.1]) tickAt(now);
    expect(expire).not.toHaveBeenCalled();
    for (const now of [1_010, 1_010]) tickAt(now);
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('never goes back when it is read exactly in between', () => {
    const clock = new CoarseClock(() => time);
    clock.now();
    time += 3;
    expect(clock.exact()).toBe(time);
    expect(clock.now()).toBe(time);
  });

  it('has no timer before its first use, and none without readers', () => {
    const clock = new CoarseClock(() => time);
    expect(jest.getTimerCount()).toBe(0);
    clock.now();
    expect(jest.getTimerCount()).toBe(1);
    pass(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('continues while a call waits for its time limit, gives it up then and rests', () => {
    const clock = new CoarseClock(() => time);
    const expire = jest.fn();
    clock.add(deadline(expire), 5_000);
    pass(4_999);
    expect(expire).not.toHaveBeenCalled();
    pass(10);
    expect(expire).toHaveBeenCalledTimes(1);
    pass(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not give up a call that was taken out', () => {
    const clock = new CoarseClock(() => time);
    const expire = jest.fn();
    const gone = deadline(expire);
    clock.add(gone, 50);
    clock.remove(gone);
    pass(1_000);
    expect(expire).not.toHaveBeenCalled();
  });

  it('reads answers that waited for a busy event loop before it ends calls', () => {
    const clock = new CoarseClock(() => time);
    const events: string[] = [];
    clock.add(
      deadline(() => events.push('judged')),
      20,
    );
    pass(5);
    setTimeout(() => events.push('timers are done'), 5);
    time += 300;
    jest.advanceTimersByTime(6);
    expect(events).toEqual(['timers are done']);
    jest.advanceTimersByTime(1);
    expect(events).toEqual(['timers are done', 'judged']);
  });

  it('does not give up a call that began when another one, whose time was up, had just ended', () => {
    const clock = new CoarseClock(() => time);
    const expire = jest.fn();
    const used = deadline(expire);
    clock.add(used, 20);
    pass(5);
    time += 300;
    jest.advanceTimersByTime(5);
    clock.remove(used);
    clock.add(used, 1_000);
    jest.advanceTimersByTime(2);
    pass(900);
    expect(expire).not.toHaveBeenCalled();
    pass(200);
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('runs outside of the request whose call started it', async () => {
    jest.useRealTimers();
    const clock = new CoarseClock();
    const storage = new AsyncLocalStorage<string>();
    const seen = await storage.run('request 7', () => {
      return new Promise((resolve) =>
        clock.add(
          deadline(() => resolve(storage.getStore())),
          1,
        ),
      );
    });
    expect(seen).toBeUndefined();
  });
});

describe('the clock of the process, in a test with fake timers', () => {
  const made = () => {
    jest.useRealTimers();
    return new CoarseClock();
  };

  it('follows the time of the test, to the millisecond, from any moment on', () => {
    const clock = made();
    clock.now();
    jest.useFakeTimers();
    const expire = jest.fn();
    const from = clock.now();
    clock.add(deadline(expire), 100);
    jest.advanceTimersByTime(99);
    expect([clock.now() - from, clock.exact() - from]).toEqual([99, 99]);
    expect(expire).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(expire).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(30_000);
    expect(clock.now() - from).toBe(30_100);
  });

  it('continues from where the test left it, and never goes back', () => {
    const clock = made();
    jest.useFakeTimers();
    clock.now();
    jest.advanceTimersByTime(60_000);
    const left = clock.now();
    jest.useRealTimers();
    expect(clock.now()).toBeGreaterThanOrEqual(left);
    expect(clock.exact() - left).toBeLessThan(30_000);
    jest.useFakeTimers();
    const again = clock.now();
    jest.advanceTimersByTime(7);
    expect(clock.now() - again).toBe(7);
  });

  it('lets what began under fake timers expire under real ones, and takes out what ended', async () => {
    const clock = made();
    jest.useFakeTimers();
    const gone = deadline(() => {
      throw new Error('was taken out');
    });
    clock.add(gone, 5);
    clock.remove(gone);
    const expired = new Promise<void>((resolve) => clock.hold(deadline(resolve), 5));
    jest.advanceTimersByTime(0);
    jest.useRealTimers();
    clock.now();
    await expired;
  });

  it('ticks again after a timer was made and left dead by others than itself', async () => {
    const clock = new CoarseClock(() => performance.now());
    jest.useFakeTimers();
    clock.now();
    jest.useRealTimers();
    await new Promise<void>((resolve) => clock.hold(deadline(resolve), 5));
  });
});
