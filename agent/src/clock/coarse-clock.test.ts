import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Deadline } from '../core/timeout.ts';
import { Ticker } from './coarse-clock.ts';

/** Fake timers; the time that the ticker reads is set apart, so that a busy event loop can be played. */
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

describe('the ticker', () => {
  it('is exact to the millisecond at the first reading after a rest, and lags by a tick at most from then on', () => {
    const ticker = new Ticker(() => time);
    expect(ticker.now()).toBe(1_000);
    for (let i = 0; i < 100; i++) {
      pass(1);
      expect(time - ticker.now()).toBeLessThanOrEqual(5);
    }
    pass(10_000);
    time += 0.5;
    expect(ticker.now()).toBe(time - 0.5);
    expect(ticker.exact()).toBe(time - 0.5);
  });

  it('lets no deadline expire a part of a millisecond early', () => {
    const ticker = new Ticker(() => time);
    const expire = jest.fn();
    const tickAt = (now: number) => {
      time = now;
      jest.advanceTimersByTime(5);
    };
    ticker.now();
    time = 1_004.2;
    ticker.add(deadline(expire), 5);
    for (const now of [1_004.9, 1_009.1, 1_009.1]) tickAt(now);
    expect(expire).not.toHaveBeenCalled();
    for (const now of [1_010, 1_010]) tickAt(now);
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('never goes back when it is read exactly in between', () => {
    const ticker = new Ticker(() => time);
    ticker.now();
    time += 3;
    expect(ticker.exact()).toBe(time);
    expect(ticker.now()).toBe(time);
  });

  it('has no timer before it is used, and none once nobody reads it', () => {
    const ticker = new Ticker(() => time);
    expect(jest.getTimerCount()).toBe(0);
    ticker.now();
    expect(jest.getTimerCount()).toBe(1);
    pass(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('goes on while a call waits for its time limit, gives it up then and rests', () => {
    const ticker = new Ticker(() => time);
    const expire = jest.fn();
    ticker.add(deadline(expire), 5_000);
    pass(4_999);
    expect(expire).not.toHaveBeenCalled();
    pass(10);
    expect(expire).toHaveBeenCalledTimes(1);
    pass(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not give up a call that was taken out', () => {
    const ticker = new Ticker(() => time);
    const expire = jest.fn();
    const gone = deadline(expire);
    ticker.add(gone, 50);
    ticker.remove(gone);
    pass(1_000);
    expect(expire).not.toHaveBeenCalled();
  });

  it('lets answers that waited for a busy event loop come in before it judges', () => {
    const ticker = new Ticker(() => time);
    const events: string[] = [];
    ticker.add(
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
    const ticker = new Ticker(() => time);
    const expire = jest.fn();
    const used = deadline(expire);
    ticker.add(used, 20);
    pass(5);
    time += 300;
    jest.advanceTimersByTime(5);
    ticker.remove(used);
    ticker.add(used, 1_000);
    jest.advanceTimersByTime(2);
    pass(900);
    expect(expire).not.toHaveBeenCalled();
    pass(200);
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('runs outside of the request whose call started it', async () => {
    jest.useRealTimers();
    const ticker = new Ticker();
    const storage = new AsyncLocalStorage<string>();
    const seen = await storage.run('request 7', () => {
      return new Promise((resolve) =>
        ticker.add(
          deadline(() => resolve(storage.getStore())),
          1,
        ),
      );
    });
    expect(seen).toBeUndefined();
  });
});
