import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import axios, { AxiosError } from 'axios';
import { eventually } from '../../test/eventually.ts';
import { startUpstream, type Upstream } from '../../test/upstream.ts';
import { getBreaker, isFuseboardError } from '../index.ts';
import { createBreaker, type TestBreaker } from '../testing/testing.ts';
import { breakerAdapter } from './axios.ts';
import { breakerFetch } from './fetch.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.stop());

const through = (breaker: TestBreaker, adapter: 'http' | 'fetch' = 'http') =>
  axios.create({ baseURL: upstream.url, adapter: breakerAdapter(breaker, axios.getAdapter(adapter)) });

describe.each(['http', 'fetch'] as const)('axios with a breaker around its %s adapter', (adapter) => {
  it('gives the very responses and errors of axios', async () => {
    const breaker = createBreaker({});
    const client = through(breaker, adapter);
    expect((await client.get('/200')).data).toBe('answer of /200');
    const error = await client.get('/503').catch((error) => error);
    expect(error).toBeInstanceOf(AxiosError);
    expect([error.code, error.response.status, error.response.data]).toEqual([
      'ERR_BAD_RESPONSE',
      503,
      'answer of /503',
    ]);
    const cut = await client.get('/cut').catch((error) => error);
    expect(cut).toBeInstanceOf(AxiosError);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 2 });
  });

  it.each([200, 404, 429, 503])('counts %d as fetch does', async (status) => {
    const ours = createBreaker({});
    const theirs = createBreaker({});
    await through(ours, adapter)
      .get(`/${status}`)
      .catch(() => {});
    await breakerFetch(theirs)(`${upstream.url}/${status}`);
    expect(ours.stats().totals).toEqual(theirs.stats().totals);
  });

  it('counts a status in the same way when axios does not throw it', async () => {
    const breaker = createBreaker({});
    expect((await through(breaker, adapter).get('/503', { validateStatus: null })).status).toBe(503);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 0, failed: 1 });
  });

  it('rejects without a request while the circuit is open', async () => {
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 } });
    const client = through(breaker, adapter);
    await client.get('/500').catch(() => {});
    const before = upstream.requests.length;
    const error = await client.get('/200').catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(upstream.requests.length).toBe(before);
  });

  it('gives up with its caller and ignores that', async () => {
    const breaker = createBreaker({});
    const client = through(breaker, adapter);
    const controller = new AbortController();
    const source = axios.CancelToken.source();
    const before = upstream.requests.length;
    const calls = [
      client.get('/hang', { signal: controller.signal }),
      client.get('/hang', { cancelToken: source.token }),
    ].map((call) => call.catch((error) => error));
    await eventually(() => upstream.requests.length === before + 2);
    controller.abort();
    source.cancel('enough');
    for (const error of await Promise.all(calls)) expect(axios.isCancel(error)).toBe(true);
    expect(breaker.stats().totals).toMatchObject({ ignored: 2, failed: 0 });
  });

  it('gives up after the time of the policy', async () => {
    const breaker = createBreaker({ timeout: { duration: '40ms' } });
    const before = upstream.aborted;
    const error = await through(breaker, adapter)
      .get('/hang')
      .catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    await eventually(() => upstream.aborted > before);
  });
});

it('takes the breaker of the address that axios puts together', async () => {
  const adapter = breakerAdapter(
    ({ url, method }) => `axios/${method}/${url.host}${url.pathname}`,
    axios.getAdapter('http'),
  );
  await axios.create({ baseURL: upstream.url, adapter }).post('/200', 'x');
  expect(getBreaker(`axios/POST/${upstream.host}/200`).stats().totals.succeeded).toBe(1);
});
