import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Status } from './status.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a status', () => {
  it('has a timer only while there is a listener for snapshots', () => {
    const status = new Status({});
    const listener = () => {};
    expect(jest.getTimerCount()).toBe(0);
    status.on('snapshot', listener);
    status.once('snapshot', listener);
    expect(jest.getTimerCount()).toBe(1);
    status.removeListener('snapshot', listener);
    status.removeListener('snapshot', listener);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('emits snapshots to a listener that is added after all were removed', () => {
    const status = new Status({ rollingCountTimeout: 100 });
    status.on('snapshot', () => {});
    status.removeAllListeners();
    expect(jest.getTimerCount()).toBe(0);
    const snapshots: unknown[] = [];
    status.on('snapshot', (snapshot) => snapshots.push(snapshot));
    jest.advanceTimersByTime(10);
    expect(snapshots).toEqual([status.stats]);
  });

  it('starts no timer after a shutdown, and keeps what it counted', () => {
    const status = new Status({ rollingCountTimeout: 100 });
    status.increment('fires');
    status.shutdown();
    status.on('snapshot', () => {});
    jest.advanceTimersByTime(1_000);
    expect([jest.getTimerCount(), status.stats.fires]).toEqual([0, 1]);
  });

  it('forgets what is older than its window after any idle time', () => {
    const status = new Status({ rollingCountTimeout: 100, rollingCountBuckets: 4 });
    status.increment('successes', 7);
    jest.advanceTimersByTime(99);
    expect(status.stats).toMatchObject({ successes: 1, latencyTimes: [7] });
    jest.advanceTimersByTime(1);
    expect(status.stats).toMatchObject({ successes: 0, latencyTimes: [] });
    status.increment('successes');
    jest.advanceTimersByTime(1_000_000);
    expect(status.window.map(({ successes }) => successes)).toEqual([0, 0, 0, 0]);
  });

  it('counts a latency that was not measured as 0', () => {
    const status = new Status({});
    status.increment('failures');
    expect(status.stats).toMatchObject({ failures: 1, latencyTimes: [0], latencyMean: 0 });
  });
});
