import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import express, { type Response } from 'express';
import { pino } from 'pino';
import { MemorySource, policy } from '../../../../test/memory-source.ts';
import { until } from '../../../../test/until.ts';
import { Controller } from '../../../control/controller.ts';
import { LimitLog } from '../../../core/limits/limit-log.ts';
import { LIMITS } from '../../../core/limits/limits.ts';
import type { Access } from '../../../ports/access.ts';
import type { Audit } from '../../audit.ts';
import type { AdminOptions } from '../options.ts';
import { liveRoutes } from './live-routes.ts';

it('counts no watch of a caller who left while the permission was checked', async () => {
  const clock = { now: () => performance.now() };
  const source = new MemorySource();
  const controller = new Controller({
    source,
    sink: { write() {}, event() {}, forget() {}, stop: async () => {} },
    overrides: { create: () => Promise.reject(new Error('none is created')), remove: async () => {} },
    history: { record() {}, forget() {} },
    log: pino({ level: 'silent' }),
    clock,
    wallClock: Date.now,
  });
  controller.start();
  source.set([policy('a')]);
  const gates: (() => void)[] = [];
  const access: Access = {
    method: 'review',
    user: async () => ({ name: 'ann', groups: [] }),
    check: () => new Promise((resolve) => void gates.push(resolve)),
  };
  const responses: Response[] = [];
  const leaving = new AbortController();
  const options = { controller, access, clock, wallClock: Date.now, replica: 'r', leaving: leaving.signal };
  const routes = liveRoutes({ ...options, limits: new LimitLog(), audit: {} as Audit } as unknown as AdminOptions);
  const note = (response: Response) => void responses.push(response);
  const app = express().use((_request, response, next) => {
    note(response);
    next();
  });
  const server = createServer(app.use(routes)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/watch`;
  try {
    const most = LIMITS['watches-of-caller'].value;
    const left = Array.from({ length: most }, () => get(url, { agent: false }).on('error', () => {}));
    await until(() => gates.length === most);
    for (const request of left) request.destroy();
    await until(() => responses.every(({ destroyed }) => destroyed));
    for (const admit of gates) admit();
    const stays = get(url, { agent: false });
    await until(() => gates.length === most + 1);
    gates.at(-1)!();
    const [answer] = await once(stays, 'response');
    expect(answer.statusCode).toBe(200);
    stays.destroy();
  } finally {
    leaving.abort();
    controller.stop();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});
