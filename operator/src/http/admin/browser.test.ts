import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { answerProblems } from '../problem.ts';
import { protectBrowsers, warnBrowsers } from './browser.ts';

let server: Server;

async function serving(open: boolean): Promise<number> {
  const app = express().use(warnBrowsers, protectBrowsers({ open }));
  app.all('/{*path}', (_request, response) => {
    response.json({ done: true });
  });
  app.use(answerProblems(() => {}));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends headers that `fetch` does not allow. */
function ask(port: number, method: string, headers: Record<string, string>, path = '/v1/policies'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, headers: response.headers, text });
    })
      .once('error', reject)
      .end();
  });
}

const JSON_BODY = { 'content-type': 'application/json' };

describe('a server that everybody on this machine may use', () => {
  it.each(['localhost', 'localhost:8702', 'LOCALHOST:1', '127.0.0.1:8702', '127.8.8.8', '[::1]:8702'])(
    'answers to its own name %s',
    async (host) => {
      expect((await ask(await serving(true), 'GET', { host })).status).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8702',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '192.168.1.4:8702',
    '0.0.0.0:8702',
    '[::2]',
    '%',
  ])('does not answer to %s, which may point here for a page of elsewhere', async (host) => {
    const { status, text } = await ask(await serving(true), 'GET', { host });
    expect([status, text]).toEqual([403, expect.stringContaining('is not a name of this machine; use localhost')]);
  });
});

it('answers to any name where a token is asked for', async () => {
  expect((await ask(await serving(false), 'GET', { host: 'fuseboard.fuseboard-system.svc:8081' })).status).toBe(200);
});

describe('a change', () => {
  const own = { host: 'localhost:8702', ...JSON_BODY };

  it.each<[string, string, Record<string, string>]>([
    ['the command line', 'POST', own],
    ['our own page', 'POST', { ...own, origin: 'http://localhost:8702', 'sec-fetch-site': 'same-origin' }],
    ['our own page behind TLS', 'PUT', { ...own, host: 'fuse.example', origin: 'https://fuse.example' }],
    ['a delete without a body', 'DELETE', { host: 'localhost:8702' }],
  ])('is taken from %s', async (_who, method, headers) => {
    expect((await ask(await serving(false), method, headers)).status).toBe(200);
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['another site', 'POST', { ...own, origin: 'https://evil.example' }, 403],
    ['another port of this machine', 'POST', { ...own, origin: 'http://localhost:3000' }, 403],
    ['a page without an origin', 'DELETE', { ...own, origin: 'null' }, 403],
    ['a page that a browser calls foreign', 'DELETE', { ...own, 'sec-fetch-site': 'cross-site' }, 403],
    ['a sister site', 'POST', { ...own, 'sec-fetch-site': 'same-site' }, 403],
    ['a form', 'POST', { ...own, 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a form that hides JSON', 'POST', { ...own, 'content-type': 'text/plain; application/json' }, 415],
    ['nobody who says what it is', 'PATCH', { host: 'localhost:8702' }, 415],
  ])('is not taken from %s', async (_who, method, headers, status) => {
    expect((await ask(await serving(false), method, headers)).status).toBe(status);
  });
});

it('tells the browser on every answer, a refusal too, to trust nothing else and to keep nothing', async () => {
  const port = await serving(true);
  for (const host of ['localhost', 'evil.example']) {
    const { headers } = await ask(port, 'GET', { host });
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'self'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
});

it('lets the files of the page be kept', async () => {
  const { headers } = await ask(await serving(true), 'GET', { host: 'localhost' }, '/page.js');
  expect(headers['cache-control']).toBeUndefined();
});
