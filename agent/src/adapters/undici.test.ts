import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, Client, type Dispatcher, fetch, interceptors, MockAgent, request } from 'undici';
import { eventually } from '../../test/eventually.ts';
import { retrying } from '../../test/retrying.ts';
import { stillHeld } from '../../test/still-held.ts';
import { startUpstream, type Upstream } from '../../test/upstream.ts';
import { getBreaker, isFuseboardError } from '../index.ts';
import { createBreaker } from '../testing/testing.ts';
import { type BreakerChoice, breakerInterceptor } from './undici.ts';

let upstream: Upstream;
const agent = new Agent();
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(async () => {
  await agent.destroy();
  await upstream.stop();
});

const through = (choice: BreakerChoice): Dispatcher => agent.compose(breakerInterceptor(choice));

describe('a dispatcher with a breaker', () => {
  it('gives the responses of the dependency and stops asking when it fails', async () => {
    const breaker = createBreaker({ trip: { consecutiveFailures: 2 } });
    const dispatcher = through(breaker);
    const { statusCode, headers, body } = await request(`${upstream.url}/200`, { dispatcher });
    expect([statusCode, headers['retry-after'], await body.text()]).toEqual([200, '7', 'answer of /200']);
    for (let i = 0; i < 2; i++) {
      const { statusCode, body } = await request(`${upstream.url}/503`, { dispatcher });
      expect([statusCode, await body.text()]).toEqual([503, 'answer of /503']);
    }
    const before = upstream.requests.length;
    const error = await request(`${upstream.url}/200`, { dispatcher }).catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(upstream.requests.length).toBe(before);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 2, rejected: 1 });
  });

  it('serves the fetch of undici and that of Node', async () => {
    const breaker = createBreaker({});
    const dispatcher = through(breaker);
    expect(await (await fetch(`${upstream.url}/200`, { dispatcher })).text()).toBe('answer of /200');
    const rejecting = through(createBreaker({ trip: { consecutiveFailures: 1 } }));
    await fetch(`${upstream.url}/500`, { dispatcher: rejecting });
    const error = await fetch(`${upstream.url}/200`, { dispatcher: rejecting }).catch((error) => error);
    expect(isFuseboardError(error.cause, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    const builtin = globalThis.fetch as unknown as typeof fetch;
    expect(await (await builtin(`${upstream.url}/200`, { dispatcher })).text()).toBe('answer of /200');
    expect(breaker.stats().totals.succeeded).toBe(2);
  });

  it('passes the errors of undici on, and counts them', async () => {
    const breaker = createBreaker({});
    const error = await request(`${upstream.url}/cut`, { dispatcher: through(breaker) }).catch((error) => error);
    expect(error.code).toBe('UND_ERR_SOCKET');
    expect(breaker.stats().totals.failed).toBe(1);
  });

  it('gives up after the time of the policy, on the wire too', async () => {
    const breaker = createBreaker({ timeout: { duration: '40ms' } });
    const before = upstream.aborted;
    const error = await request(`${upstream.url}/hang`, { dispatcher: through(breaker) }).catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    await eventually(() => upstream.aborted > before);
  });

  it('gives up a request that waits for a connection as well', async () => {
    const client = new Client(upstream.url, { pipelining: 1 });
    const dispatcher = client.compose(breakerInterceptor(createBreaker({ timeout: { duration: '60ms' } })));
    const blocking = client.request({ path: '/hang', method: 'GET' }).catch((error) => error);
    const error = await dispatcher.request({ path: '/200', method: 'GET' }).catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    await client.destroy();
    await blocking;
  });

  it('gives the place in the limit back when a request was given up before it had a connection', async () => {
    const client = new Client(upstream.url, { pipelining: 1 });
    const breaker = createBreaker({ timeout: { duration: '40ms' }, concurrency: { maxConcurrent: 1 } });
    const dispatcher = client.compose(breakerInterceptor(breaker));
    const caller = new AbortController();
    const blocking = client.request({ path: '/hang', method: 'GET', signal: caller.signal }).catch((error) => error);
    const error = await dispatcher.request({ path: '/200', method: 'GET' }).catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    caller.abort();
    await blocking;
    await eventually(() => breaker.enter() !== null);
    await client.destroy();
  });

  it('ignores what its caller gave up', async () => {
    const breaker = createBreaker({});
    const dispatcher = through(breaker);
    const controller = new AbortController();
    const { signal } = controller;
    const before = upstream.requests.length;
    const calls = [
      request(`${upstream.url}/hang`, { dispatcher, signal }),
      fetch(`${upstream.url}/hang`, { dispatcher, signal }),
    ].map((call) => call.catch((error: Error) => error));
    await eventually(() => upstream.requests.length === before + 2);
    controller.abort();
    for (const error of await Promise.all(calls)) expect((error as Error).name).toBe('AbortError');
    await eventually(() => breaker.stats().totals.ignored === 2);
    expect(breaker.stats().totals.failed).toBe(0);
  });

  it('streams bodies both ways, however large', async () => {
    const breaker = createBreaker({});
    const dispatcher = through(breaker);
    const chunk = 'x'.repeat(100_000);
    const sent = Readable.from([chunk, chunk]);
    const { body } = await request(`${upstream.url}/200`, { dispatcher, method: 'POST', body: sent });
    expect(await body.text()).toBe('answer of /200');
    expect(upstream.requests.at(-1)!.length).toBe('POST /200 '.length + 200_000);
  });

  it('holds no body that its caller aborted in the middle', async () => {
    const server = createServer((_request, response) => void response.write('begins'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const own = new Agent();
    const dispatcher = own.compose(breakerInterceptor(createBreaker({ timeout: { duration: '10s' } })));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const abortInBody = async () => {
      const caller = new AbortController();
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET', signal: caller.signal });
      const text = body.text().catch((error) => error.name);
      caller.abort();
      expect(await text).toBe('AbortError');
      return new WeakRef<object>(body);
    };
    const bodies: WeakRef<object>[] = [];
    for (let i = 0; i < 10; i++) bodies.push(await abortInBody());
    await own.destroy();
    server.close();
    server.closeAllConnections();
    expect(await stillHeld(bodies)).toBe(0);
  });

  it('works together with other interceptors, before and after them', async () => {
    const breaker = createBreaker({});
    const dispatchers = [
      agent.compose(breakerInterceptor(breaker), interceptors.responseError()),
      agent.compose(interceptors.responseError(), breakerInterceptor(breaker)),
    ];
    for (const dispatcher of dispatchers) {
      const error = await request(`${upstream.url}/503`, { dispatcher }).catch((error) => error);
      expect(error.statusCode).toBe(503);
      const { body } = await request(`${upstream.url}/200`, { dispatcher });
      expect(await body.text()).toBe('answer of /200');
    }
    expect(breaker.stats().totals).toMatchObject({ succeeded: 2, failed: 2 });
  });

  it('works around a dispatcher that answers at once', async () => {
    const mock = new MockAgent();
    mock.disableNetConnect();
    mock.get('http://mocked.test').intercept({ path: '/' }).reply(200, 'mocked');
    const dispatcher = mock.compose(breakerInterceptor(createBreaker({})));
    const { body } = await request('http://mocked.test/', { dispatcher });
    expect(await body.text()).toBe('mocked');
    await mock.close();
  });

  it.each(['stream', 'text'])('retries with a body that is a %s as far as it can be sent again', async (kind) => {
    const dispatcher = through(retrying());
    const before = upstream.requests.length;
    const body = kind === 'text' ? 'sent' : Readable.from(['sent']);
    const answer = await request(`${upstream.url}/503`, { dispatcher, method: 'PUT', body });
    expect([answer.statusCode, await answer.body.text()]).toEqual([503, 'answer of /503']);
    expect(upstream.requests.length - before).toBe(kind === 'text' ? 2 : 1);
  });

  it('leaves it to the dispatcher to refuse a handler that it does not know', () => {
    const dispatched: unknown[] = [];
    const dispatch = breakerInterceptor(createBreaker({}))((_options, handler) => dispatched.push(handler) > 0);
    const older = { onConnect() {}, onError() {} };
    dispatch({ path: '/', method: 'GET', origin: upstream.url }, older);
    expect(dispatched).toEqual([older]);
  });

  it('takes the breaker of the host', async () => {
    const dispatcher = through(({ url }) => `undici/${url.host}`);
    await (await request(`${upstream.url}/200`, { dispatcher })).body.dump();
    expect(getBreaker(`undici/${upstream.host}`).stats().totals.succeeded).toBe(1);
    const odd = through(() => 'no such name!');
    await expect(request(`${upstream.url}/200`, { dispatcher: odd })).rejects.toThrow(/cannot name a breaker/);
  });
});
