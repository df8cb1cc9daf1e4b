import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Watchers } from './watchers.ts';

const feed = { state: () => ({}), difference: () => undefined, heartbeat: () => ({}) };

let watchers: Watchers;

beforeEach(() => {
  jest.useFakeTimers();
  watchers = new Watchers(feed, () => Date.now());
});

afterEach(() => {
  watchers.close();
  jest.useRealTimers();
});

/** An admitted reader, and whether its stream has ended. */
function join(isStillAllowed: () => Promise<boolean>) {
  const stream = Object.assign(new PassThrough(), { writeHead: () => {} });
  const reader = { asked: 0, ended: () => stream.writableEnded };
  watchers.join(stream.resume() as unknown as ServerResponse, () => {
    reader.asked += 1;
    return isStillAllowed();
  });
  return reader;
}

describe('the right to watch', () => {
  it('is asked for again every half minute or so, for as long as the stream is open', async () => {
    const reader = join(async () => true);
    await jest.advanceTimersByTimeAsync(29_000);
    expect(reader.asked).toBe(0);
    await jest.advanceTimersByTimeAsync(6_000);
    expect(reader.asked).toBe(1);
    await jest.advanceTimersByTimeAsync(265_000);
    expect(reader.asked).toBeGreaterThanOrEqual(9);
    expect(reader.ended()).toBe(false);
  });

  it('ends only the stream of the user who lost it', async () => {
    let allowed = true;
    const [loser, other] = [join(async () => allowed), join(async () => true)];
    await jest.advanceTimersByTimeAsync(40_000);
    expect([loser.ended(), other.ended()]).toEqual([false, false]);
    allowed = false;
    await jest.advanceTimersByTimeAsync(40_000);
    expect([loser.ended(), other.ended()]).toEqual([true, false]);
    expect(watchers.count).toBe(1);
  });

  it('is not waited for: others are told while the answer is out, and one question is out at a time', async () => {
    const slow = join(() => new Promise(() => {}));
    const other = join(async () => true);
    await jest.advanceTimersByTimeAsync(300_000);
    expect([slow.ended(), other.ended()]).toEqual([false, false]);
    expect(slow.asked).toBe(1);
    expect(other.asked).toBeGreaterThan(5);
  });

  it.each([
    ['whose right is gone', async () => false, 120_000],
    ['after ten minutes', async () => true, 640_000],
  ])('cuts a reader that takes nothing, and writes no more to it: %s', async (_title, isStillAllowed, afterMs) => {
    const blocked = Object.assign(new PassThrough({ highWaterMark: 1 }), { writeHead: () => {} });
    const errors: Error[] = [];
    blocked.on('error', (error) => errors.push(error));
    watchers.join(blocked as unknown as ServerResponse, isStillAllowed);
    await jest.advanceTimersByTimeAsync(afterMs);
    expect([errors, blocked.destroyed, watchers.count]).toEqual([[], true, 0]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends every stream after ten minutes, whatever was answered', async () => {
    const reader = join(() => new Promise(() => {}));
    await jest.advanceTimersByTimeAsync(605_000);
    expect(reader.ended()).toBe(true);
  });
});
