import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import axios from 'axios';
import { Agent, request, fetch as undiciFetch } from 'undici';
import { breakerAdapter } from '../src/adapters/axios.ts';
import { breakerFetch } from '../src/adapters/fetch.ts';
import type { RetryChoice } from '../src/adapters/outgoing.ts';
import { breakerInterceptor } from '../src/adapters/undici.ts';
import { fuseboardErrorOf, isFuseboardError } from '../src/index.ts';
import { createBreaker } from '../src/testing/testing.ts';

let server: Server;
let url: string;
let requests = 0;
beforeAll(async () => {
  server = createServer((message, response) => {
    requests++;
    message.resume().on('end', () => response.writeHead(503).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  requests = 0;
});

/** A breaker with two attempts for every call. */
const twice = () =>
  createBreaker({ retry: { maxAttempts: 2, backoff: { initial: '1ms', max: '1ms' }, budgetPercent: 100 } });

interface Sent {
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}
type Client = (sent: Sent, retry?: RetryChoice) => Promise<number>;

const clients: [string, Client][] = [
  [
    'fetch',
    async (sent, retry) =>
      (await breakerFetch(twice(), { retry })(url, { ...sent, duplex: 'half' } as RequestInit)).status,
  ],
  [
    'axios',
    async ({ method, headers = {}, body }, retry) => {
      const adapter = breakerAdapter(twice(), axios.getAdapter('http'), { retry });
      const { status } = await axios.request({ url, method, headers, data: body, adapter, validateStatus: () => true });
      return status;
    },
  ],
  [
    'undici',
    async (sent, retry) => {
      const agent = new Agent();
      const dispatcher = agent.compose(breakerInterceptor(twice(), { retry }));
      const { statusCode, body } = await request(url, { ...(sent as { method: 'GET' }), dispatcher });
      await body.dump();
      await agent.close();
      return statusCode;
    },
  ],
];

describe.each(clients)('%s', (_, send) => {
  it.each<[string, Sent, number]>([
    ['GET', { method: 'GET' }, 2],
    ['PUT', { method: 'PUT', body: 'a' }, 2],
    ['DELETE', { method: 'DELETE' }, 2],
    ['POST', { method: 'POST', body: 'a' }, 1],
    ['PATCH', { method: 'PATCH', body: 'a' }, 1],
    ['POST with an Idempotency-Key', { method: 'POST', body: 'a', headers: { 'Idempotency-Key': '1' } }, 2],
  ])('sends %s as often as its method allows', async (_name, sent, times) => {
    expect(await send(sent)).toBe(503);
    expect(requests).toBe(times);
  });

  it('sends what the code says, as often as it says', async () => {
    expect(await send({ method: 'POST', body: 'a' }, 'always')).toBe(503);
    expect(requests).toBe(2);
    expect(await send({ method: 'GET' }, 'never')).toBe(503);
    expect(requests).toBe(3);
    expect(
      await send({ method: 'POST', body: 'a' }, ({ method, url: { host } }) => method === 'POST' && url.includes(host)),
    ).toBe(503);
    expect(requests).toBe(5);
  });

  it('sends a body that is used up by sending once, and gives what came of it', async () => {
    expect(await send({ method: 'PUT', body: Readable.from(['a']) }, 'always')).toBe(503);
    expect(requests).toBe(1);
  });
});

it('sends a stream that can only be piped once, as those of the package form-data', async () => {
  const source = new PassThrough();
  const piping = new Proxy(source, { has: (target, key) => key !== Symbol.asyncIterator && key in target });
  source.end('a');
  const adapter = breakerAdapter(twice(), axios.getAdapter('http'), { retry: 'always' });
  await expect(axios.put(url, piping, { adapter })).rejects.toMatchObject({ status: 503 });
  expect(requests).toBe(1);
});

it('counts one failure for a Request whose body cannot be sent again', async () => {
  const breaker = twice();
  const response = await breakerFetch(breaker, { retry: 'always' })(new Request(url, { method: 'PUT', body: 'a' }));
  expect(response.status).toBe(503);
  expect(breaker.stats().totals).toMatchObject({ failed: 1, retried: 0 });
});

it('puts a path that only another fetch knows the base of through the breaker', async () => {
  const breaker = createBreaker({ trip: { consecutiveFailures: 2 } });
  let sent = 0;
  const get = breakerFetch(breaker, {
    fetch: async () => {
      sent++;
      return new Response('', { status: 503 });
    },
  });
  for (let i = 0; i < 4; i++) await get('/offers').catch(() => {});
  expect([sent, breaker.state]).toEqual([2, 'open']);
  await expect(breakerFetch(createBreaker({}))('/offers')).rejects.toMatchObject({ name: 'TypeError' });
});

it('is known by its errors behind the error of undici', async () => {
  const breaker = createBreaker({});
  breaker.forceOpen({ for: '1m', reason: 'test' });
  const agent = new Agent();
  const dispatcher = agent.compose(breakerInterceptor(breaker));
  const error = await undiciFetch(url, { dispatcher }).catch((error: unknown) => error);
  expect(isFuseboardError(error, 'ERR_FUSEBOARD_OPEN')).toBe(true);
  expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(false);
  expect(fuseboardErrorOf(error)).toMatchObject({ breaker: 'test', status: 503, statusCode: 503, expose: false });
  await agent.close();
});

it.each<[string, () => unknown, RegExp]>([
  ['no adapter of axios', () => breakerAdapter('edges', undefined as never), /needs the adapter that sends/],
  ['axios itself', () => breakerAdapter('edges', axios as never), /needs the adapter that sends/],
  [
    'a fetch that is none',
    () => breakerFetch('edges', { fetch: 5 as never }),
    /fetch of breakerFetch must be a function/,
  ],
  ['no breaker', () => breakerFetch(undefined as never), /give a breaker, its name, or a function/],
  [
    'another word for retries',
    () => breakerInterceptor('edges', { retry: 'sometimes' as never }),
    /retry of breakerInterceptor must be 'safe', 'always', 'never'/,
  ],
])('refuses %s where it is written', (_, make, message) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(message);
});
