import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type NextFunction, type Request, type Response } from 'express';
import { getBreaker } from '../index.ts';
import { createBreaker } from '../testing/testing.ts';
import { breakerStates, rejectionsAs503 } from './express.ts';

let server: Server;
let url: string;
const open = createBreaker({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '90s' } }, { name: 'secret' });
open.enter()!.fail();

beforeAll(async () => {
  const app = express();
  app.get('/breakers', breakerStates());
  app.get('/few', breakerStates({ limit: 2 }));
  app.get('/rejected', () => open.execute(async () => 'never'));
  app.get('/late', async (_request, response) => {
    response.write('begun');
    await open.execute(async () => 'never');
  });
  app.get('/broken', () => {
    throw Object.assign(new Error('mine'), { code: 'ERR_FUSEBOARD_OPEN' });
  });
  app.get('/misnamed', () => void getBreaker('no such name!'));
  app.use(rejectionsAs503());
  app.use((error: Error, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else response.status(418).send(error.message);
  });
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe('the state endpoint', () => {
  it('shows every breaker, those first that are not closed', async () => {
    const closed = getBreaker('express-closed');
    const tripped = getBreaker('express-tripped', { defaults: { trip: { consecutiveFailures: 1 } } });
    closed.enter()!.succeed();
    tripped.enter()!.fail();
    const response = await fetch(`${url}/breakers`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as { breakers: object[] };
    expect(body).toMatchObject({ link: 'Defaults', total: 2 });
    expect(body.breakers).toEqual([
      expect.objectContaining({ name: 'express-tripped', state: 'open', mode: 'Enforce', source: 'defaults' }),
      expect.objectContaining({ name: 'express-closed', state: 'closed', totals: closed.stats().totals }),
    ]);
  });

  it('shows no more than it may, and says how many there are', async () => {
    for (let i = 0; i < 3; i++) getBreaker(`express-many-${i}`);
    const body = (await (await fetch(`${url}/few`)).json()) as { total: number; breakers: object[] };
    expect(body.breakers).toHaveLength(2);
    expect(body.total).toBeGreaterThanOrEqual(3);
  });
});

describe('the error middleware', () => {
  it('answers 503 with Retry-After for a rejection, and does not say of what', async () => {
    const response = await fetch(`${url}/rejected`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('90');
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'ERR_FUSEBOARD_OPEN', retryAfterMs: expect.any(Number) });
    expect(text).not.toContain('secret');
  });

  it.each(['/broken', '/misnamed'])('leaves the error of %s to the next handler', async (path) => {
    expect((await fetch(url + path)).status).toBe(418);
  });

  it('leaves a response alone that has begun', async () => {
    const response = await fetch(`${url}/late`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});
