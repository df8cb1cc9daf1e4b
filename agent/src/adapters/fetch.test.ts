import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/eventually.ts';
import { retrying } from '../../test/retrying.ts';
import { startUpstream, type Upstream } from '../../test/upstream.ts';
import { getBreaker, isFuseboardError } from '../index.ts';
import { createBreaker } from '../testing/testing.ts';
import { breakerFetch } from './fetch.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.stop());

const fragile = () => createBreaker({ trip: { consecutiveFailures: 2 } });

describe('a fetch with a breaker', () => {
  it('gives the responses of the dependency, failing ones too, and stops asking when it fails', async () => {
    const breaker = fragile();
    const get = breakerFetch(breaker);
    const response = await get(`${upstream.url}/200`);
    expect([response.status, await response.text()]).toEqual([200, 'answer of /200']);
    for (let i = 0; i < 2; i++) expect((await get(`${upstream.url}/503`)).status).toBe(503);
    const before = upstream.requests.length;
    const error = await get(`${upstream.url}/200`).catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(upstream.requests.length).toBe(before);
  });

  it('counts a response that the caller got wrong as a good answer', async () => {
    const breaker = fragile();
    for (let i = 0; i < 5; i++) expect((await breakerFetch(breaker)(`${upstream.url}/404`)).status).toBe(404);
    expect(breaker.stats().totals).toMatchObject({ succeeded: 5, failed: 0 });
  });

  it('rejects with the error of fetch itself where there was no answer', async () => {
    const breaker = fragile();
    const wrapped = await breakerFetch(breaker)(`${upstream.url}/cut`).catch((error) => error);
    const plain = await fetch(`${upstream.url}/cut`).catch((error) => error);
    expect([wrapped.name, wrapped.message, wrapped.cause.code]).toEqual([plain.name, plain.message, plain.cause.code]);
    expect(breaker.stats().totals.failed).toBe(1);
  });

  it('aborts a request with the caller, and counts no failure', async () => {
    const breaker = fragile();
    for (const form of ['init', 'request'] as const) {
      const controller = new AbortController();
      const { signal } = controller;
      const before = upstream.requests.length;
      const call =
        form === 'init'
          ? breakerFetch(breaker)(`${upstream.url}/hang`, { signal })
          : breakerFetch(breaker)(new Request(`${upstream.url}/hang`, { signal }));
      await eventually(() => upstream.requests.length > before);
      controller.abort(new Error('enough'));
      await expect(call).rejects.toThrow('enough');
    }
    expect(breaker.stats().totals).toMatchObject({ ignored: 2, failed: 0 });
  });

  it('gives a request up after the time of the policy, on the wire too', async () => {
    const breaker = createBreaker({ timeout: { duration: '40ms' } });
    const before = upstream.aborted;
    const { signal } = new AbortController();
    const error = await breakerFetch(breaker)(`${upstream.url}/hang`, { signal }).catch((error) => error);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    await eventually(() => upstream.aborted > before);
    expect(breaker.stats().totals.timedOut).toBe(1);
  });

  it('sends what it is given: method, body, Request objects and URLs', async () => {
    const post = breakerFetch(fragile());
    await post(new URL(`${upstream.url}/201`), { method: 'POST', body: 'one' });
    await post(new Request(`${upstream.url}/201`, { method: 'PUT', body: 'two' }));
    expect(upstream.requests.slice(-2)).toEqual(['POST /201 one', 'PUT /201 two']);
  });

  it.each(['stream', 'text'])('retries with a body that is a %s as far as it can be sent again', async (kind) => {
    const before = upstream.requests.length;
    const body = kind === 'text' ? 'sent' : new Response('sent').body;
    const init = { method: 'PUT', body, duplex: 'half' } as RequestInit;
    const answer = await breakerFetch(retrying())(`${upstream.url}/503`, init);
    expect([answer.status, await answer.text()]).toEqual([503, 'answer of /503']);
    expect(upstream.requests.length - before).toBe(kind === 'text' ? 2 : 1);
  });

  it('takes the breaker of the host', async () => {
    const get = breakerFetch(({ url, method }) => `hosts/${method}/${url.host}`);
    await get(`${upstream.url}/200`);
    expect(getBreaker(`hosts/GET/${upstream.host}`).stats().totals.succeeded).toBe(1);
  });

  it('lets another fetch do the work', async () => {
    const seen: string[] = [];
    const get = breakerFetch(fragile(), {
      fetch: async (input) => {
        seen.push(String(input));
        return new Response('mine');
      },
    });
    expect(await (await get('http://nowhere.test/')).text()).toBe('mine');
    expect(seen).toEqual(['http://nowhere.test/']);
  });

  it('refuses a name that cannot be used where it is written, and leaves an address that is none to fetch', async () => {
    expect(() => breakerFetch('no such name!')).toThrow(/cannot name a breaker/);
    await expect(breakerFetch('addresses')('not an address')).rejects.toThrow(/parse URL/);
    expect(getBreaker('addresses').stats().totals.failed).toBe(0);
  });
});
