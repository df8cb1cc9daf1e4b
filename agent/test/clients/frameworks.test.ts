import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import Koa from 'koa';
import { fuseboardErrorOf } from '../../src/index.ts';
import { createBreaker } from '../../src/testing/testing.ts';

/** A handler whose call is rejected, one whose call takes too long, and one whose dependency fails. */
const rejecting = createBreaker({ trip: { consecutiveFailures: 1 } }, { name: 'partner' });
const slow = createBreaker({ timeout: { duration: '20ms' } }, { name: 'partner' });
rejecting.enter()!.fail();
const handlers = {
  '/rejected': () => rejecting.execute(async () => 'called'),
  '/slow': () => slow.execute(() => new Promise<string>(() => {})),
  '/failed': () => createBreaker({}).execute(async (): Promise<string> => Promise.reject(new Error('down'))),
} as const;
type Path = keyof typeof handlers;
const paths = Object.keys(handlers) as Path[];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

async function answers(port: number): Promise<Record<string, [status: number, namesBreaker: boolean]>> {
  const found: Record<string, [number, boolean]> = {};
  for (const path of paths) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    found[path] = [response.status, (await response.text()).includes('partner')];
  }
  return found;
}

const BY_ITSELF = { '/rejected': [503, false], '/slow': [504, false], '/failed': [500, false] };

describe('the status of our errors is what the framework answers with', () => {
  it('in Koa, without naming the breaker', async () => {
    const app = new Koa();
    app.silent = true;
    app.use(async (context) => {
      context.body = await handlers[context.path as Path]();
    });
    const server = app.listen(0, '127.0.0.1');
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await answers(portOf(server))).toEqual(BY_ITSELF);
  });

  it('in Express, without naming the breaker', async () => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => {});
    ends.push(() => log.mockRestore());
    const app = express().set('env', 'production');
    for (const path of paths) app.get(path, async (_request, response) => void response.send(await handlers[path]()));
    const server = app.listen(0, '127.0.0.1');
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await answers(portOf(server))).toEqual(BY_ITSELF);
  });

  it('in Fastify, whose default answer has the message of every error', async () => {
    const app = fastify();
    for (const path of paths) app.get(path, handlers[path]);
    ends.push(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    expect(await answers(portOf(app.server))).toEqual({
      '/rejected': [503, true],
      '/slow': [504, true],
      '/failed': [500, false],
    });
  });

  it('in Hono with one line, as it knows no status of errors by itself', async () => {
    const app = new Hono();
    for (const path of paths) app.get(path, async (context) => context.text(await handlers[path]()));
    app.onError((error, context) => {
      const status = fuseboardErrorOf(error)?.statusCode ?? (error instanceof HTTPException ? error.status : 500);
      return context.text('temporarily unavailable', status);
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise<void>((resolve) => (server.listening ? resolve() : server.once('listening', () => resolve())));
    expect(await answers(portOf(server))).toEqual(BY_ITSELF);
  });
});
