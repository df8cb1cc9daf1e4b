import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Watchers } from './watchers.ts';

const feed = { state: () => ({}), difference: () => undefined, heartbeat: () => ({}) };

let watchers: Watchers;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
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

describe('a reader that takes nothing', () => {
  /** A stream on a real socket that is blocked; `isStillAllowed` is asked as in `join`. */
  async function blocked(isStillAllowed: () => Promise<boolean>) {
    const large = { text: 'x'.repeat(8 * 1024 * 1024) };
    watchers = new Watchers({ ...feed, state: () => large }, () => Date.now());
    let response: ServerResponse | undefined;
    const server = createServer((_request, answer) => {
      response = answer;
      watchers.join(answer, isStillAllowed);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    client.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(server, 'request');
    const errors: Error[] = [];
    response!.on('error', (error) => errors.push(error));
    return {
      response: response!,
      errors,
      async close() {
        client.destroy();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  it.each([
    ['after ten minutes', async () => true, 600_000],
    ['without the right to watch', async () => false, 31_000],
  ])('%s is sent nothing more, is no longer counted, and is cut', async (_when, isStillAllowed, afterMs) => {
    const { response, errors, close } = await blocked(isStillAllowed);
    try {
      await jest.advanceTimersByTimeAsync(afterMs);
      expect([response.writableEnded, response.destroyed, watchers.count]).toEqual([true, false, 0]);
      join(async () => true);
      await jest.advanceTimersByTimeAsync(8_000);
      expect([response.writableLength > 0, response.destroyed]).toEqual([true, false]);
      await jest.advanceTimersByTimeAsync(3_000);
      expect(response.destroyed).toBe(true);
      expect(errors).toEqual([]);
    } finally {
      await close();
    }
  });
});
