/**
 * Makes many calls through every adapter, with failures, retries, aborts and time limits mixed, and fails when
 * afterwards a socket, a listener, a signal, a call or memory is left over. Needs --expose-gc.
 *
 * The first argument is the number of calls for each adapter; absent: 10,000.
 */
import 'reflect-metadata';
import { getEventListeners } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { queryObjects } from 'node:v8';
import { credentials, Client as GrpcClient, type Client as GrpcConnection } from '@grpc/grpc-js';
import { Controller, Get, Module, Param, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import axios from 'axios';
import express from 'express';
import { Agent } from 'undici';
import { breakerAdapter } from '../../src/adapters/axios.ts';
import { rejectionsAs503 } from '../../src/adapters/express.ts';
import { breakerFetch } from '../../src/adapters/fetch.ts';
import { grpcInterceptor } from '../../src/adapters/grpc.ts';
import { UseBreaker } from '../../src/adapters/nestjs.ts';
import { breakerInterceptor } from '../../src/adapters/undici.ts';
import type { Breaker } from '../../src/breakers/breaker.ts';
import { getBreaker } from '../../src/index.ts';
import { createBreaker, type TestBreaker } from '../../src/testing/testing.ts';
import { startFailingServers } from './failing-servers.ts';

const CALLS = Number(process.argv[2] ?? 10_000);
const CONCURRENT = 40;
/** What a warmed-up process may still grow by, over all the calls of one adapter. */
const HEAP_BYTES = 3_000_000;
/** By how many more signals it may end, those of idle connections for example; what leaks grows with the calls. */
const SIGNALS = CONCURRENT;

const upstream = createServer((request, response) => {
  request.resume();
  const n = Number(request.url!.slice(1));
  if (n % 10 === 1) response.destroy();
  else if (n % 10 === 2) response.writeHead(503, { 'retry-after': '0' }).end('no');
  else if (n % 10 === 3) response.writeHead(500).end('no'.repeat(1_000));
  else if (n % 100 === 4) setTimeout(() => response.end('late'), 900);
  // Those that are aborted are, in part, in the middle of their bodies.
  else if (n % 14 === 7) response.write('y', () => setTimeout(() => response.end('es'), 15));
  else response.end('yes');
});
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const { port } = upstream.address() as AddressInfo;
const servers = await startFailingServers();

const POLICY = {
  trip: { consecutiveFailures: 25 },
  recovery: { openDuration: '5ms' },
  timeout: { duration: '400ms' },
  retry: { maxAttempts: 2, backoff: { initial: '1ms', max: '2ms' } },
  concurrency: { maxConcurrent: 30, maxQueue: 20, queueTimeout: '1s' },
} as const;

interface Subject {
  readonly name: string;
  /** The breaker, where an adapter takes one by its name alone. */
  readonly breaker?: Breaker;
  call(path: string, signal: AbortSignal | undefined): Promise<unknown>;
  end(): unknown;
}
type Maker = (breaker: TestBreaker) => Subject | Promise<Subject>;
const url = (path: string) => `http://127.0.0.1:${port}${path}`;

const MAKERS: readonly Maker[] = [
  (breaker) => {
    const send = breakerFetch(breaker, { retry: 'always' });
    return {
      name: 'breakerFetch',
      call: async (path, signal) => (await send(url(path), signal === undefined ? {} : { signal })).text(),
      end: () => {},
    };
  },
  (breaker) => {
    const agent = new Agent({ connections: 20 });
    const dispatcher = agent.compose(breakerInterceptor(breaker, { retry: 'always' }));
    return {
      name: 'breakerInterceptor',
      async call(path, signal) {
        const origin = `http://127.0.0.1:${port}`;
        const { body } = await dispatcher.request({ origin, path, method: 'GET', ...(signal && { signal }) });
        return body.text();
      },
      end: () => agent.destroy(),
    };
  },
  (breaker) => {
    const client = axios.create({
      adapter: breakerAdapter(breaker, axios.getAdapter('http'), { retry: 'always' }),
      proxy: false,
    });
    return {
      name: 'breakerAdapter',
      call: (path, signal) => client.get(url(path), signal === undefined ? {} : { signal }),
      end: () => {},
    };
  },
  async (breaker) => {
    const app = express()
      .get('/:n', async (request, response) => {
        const closed = new AbortController();
        response.on('close', () => closed.abort());
        const load = async ({ signal }: { signal: AbortSignal }) => {
          const answer = await fetch(url(request.url), { signal });
          await answer.clone().text();
          return answer;
        };
        const answer = await breaker.execute(load, { signal: closed.signal });
        response.status(answer.status).send(await answer.text());
      })
      .use(rejectionsAs503())
      .use((_error: unknown, _request: unknown, response: express.Response, _next: unknown) => {
        response.status(502).end();
      });
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const own = (server.address() as AddressInfo).port;
    return {
      name: 'express',
      call: async (path, signal) =>
        (await fetch(`http://127.0.0.1:${own}${path}`, { ...(signal && { signal }) })).text(),
      end: () => {
        server.closeAllConnections();
        server.close();
      },
    };
  },
  async () => {
    class Calls {
      async call(path: string, response: ServerResponse): Promise<string> {
        const closed = new AbortController();
        response.on('close', () => closed.abort());
        const answer = await fetch(url(`/${path}`), { signal: closed.signal });
        const text = await answer.text();
        if (!answer.ok) throw Object.assign(new Error(text), { status: answer.status });
        return text;
      }
    }
    class App {}
    // Types are stripped, which does not transform decorators.
    const descriptor = Object.getOwnPropertyDescriptor(Calls.prototype, 'call')!;
    const guarded = UseBreaker('nestjs', { defaults: POLICY })(Calls.prototype, 'call', descriptor) ?? descriptor;
    Object.defineProperty(Calls.prototype, 'call', guarded);
    Get(':path')(Calls.prototype, 'call', guarded);
    Param('path')(Calls.prototype, 'call', 0);
    Res({ passthrough: true })(Calls.prototype, 'call', 1);
    Controller()(Calls);
    Module({ controllers: [Calls] })(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0, '127.0.0.1');
    const own = (app.getHttpServer().address() as AddressInfo).port;
    return {
      name: 'UseBreaker of NestJS',
      breaker: getBreaker('nestjs'),
      call: async (path, signal) =>
        (await fetch(`http://127.0.0.1:${own}${path}`, { ...(signal && { signal }) })).text(),
      end: async () => {
        app.getHttpServer().closeAllConnections();
        await app.close();
      },
    };
  },
  (breaker) => {
    const client: GrpcConnection = new GrpcClient(`127.0.0.1:${servers.grpc}`, credentials.createInsecure(), {
      interceptors: [grpcInterceptor(breaker, { retry: 'always' })],
    });
    const same = (value: Buffer) => value;
    const methods = ['200', '200', '200', '200', '200', '200', '503', '200', '500', '200'];
    return {
      name: 'grpcInterceptor',
      call: (path, signal) =>
        new Promise((resolve, reject) => {
          const n = Number(path.slice(1));
          const method = `/test.Test/${n % 100 === 4 ? 'hang' : methods[n % 10]}`;
          const deadline = n % 200 === 4 ? { deadline: Date.now() + 50 } : {};
          const call = client.makeUnaryRequest(method, same, same, Buffer.alloc(0), deadline, (error, value) => {
            signal?.removeEventListener('abort', cancel);
            if (error === null) resolve(value);
            else reject(error);
          });
          const cancel = () => call.cancel();
          signal?.addEventListener('abort', cancel, { once: true });
        }),
      end: () => client.close(),
    };
  },
];

const gc = (globalThis as { gc?: () => void }).gc;
if (gc === undefined) throw new Error('run with node --expose-gc');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const sockets = () => process.getActiveResourcesInfo().filter((each) => /^(TCP|Pipe)(Socket)?Wrap$/.test(each)).length;

const signals = () => Number(queryObjects(AbortSignal as unknown as () => void, { format: 'count' }));

async function settledHeap(): Promise<number> {
  for (let i = 0; i < 6; i++) {
    await pause(20);
    gc!();
  }
  return process.memoryUsage().heapUsed;
}

async function run(make: Maker): Promise<string[]> {
  const before = { sockets: sockets() };
  const made = createBreaker(POLICY);
  const subject = await make(made);
  const breaker = subject.breaker ?? made;
  const shared = new AbortController();
  let next = 0;
  const batch = async (calls: number) => {
    const until = next + calls;
    const worker = async () => {
      while (next < until) {
        const n = next++;
        const own = n % 7 === 0 ? new AbortController() : undefined;
        if (own !== undefined) setTimeout(() => own.abort(), n % 20);
        await subject.call(`/${n}`, own?.signal ?? (n % 2 === 0 ? shared.signal : undefined)).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, worker));
  };
  await batch(Math.ceil(CALLS / 5));
  const warm = await settledHeap();
  const warmSignals = signals();
  await batch(CALLS);
  await pause(100);
  const grown = (await settledHeap()) - warm;
  const moreSignals = signals() - warmSignals;
  await subject.end();
  const { succeeded, failed, ignored, rejected, retried, timedOut } = breaker.stats().totals;
  const left: string[] = [];
  const listeners = getEventListeners(shared.signal, 'abort').length;
  // One serves all that are still held by a response which somebody may read.
  if (listeners > 1) left.push(`${listeners} listeners on the signal that calls share`);
  if (moreSignals > SIGNALS) left.push(`${moreSignals} signals`);
  if (grown > HEAP_BYTES) left.push(`${Math.round(grown / 1e3)} kB of heap`);
  const running = (breaker as unknown as { layers: { limiter: { running: number; queued: number } } }).layers.limiter;
  if (running.running + running.queued > 0) left.push(`${running.running + running.queued} places in the limit`);
  for (let i = 0; i < 100 && sockets() > before.sockets; i++) {
    // The pool of fetch and the agent of node:http close what is idle after a few seconds.
    upstream.closeIdleConnections();
    await pause(50);
  }
  if (sockets() > before.sockets) left.push(`${sockets() - before.sockets} sockets`);
  for (const [what, count] of Object.entries({
    succeeded,
    failed,
    // A method of NestJS is given no signal, so an abort is a failure like any other.
    ...(subject.breaker === undefined && { ignored }),
    retried,
    timedOut,
  })) {
    if (count === 0) left.push(`no call was ${what}: the mix is not what is meant`);
  }
  console.log(
    `${subject.name}: ${succeeded} succeeded, ${failed} failed, ${ignored} ignored, ${rejected} rejected, ${retried} retried, ${timedOut} timed out; heap ${Math.round(grown / 1e3)} kB, ${left.length === 0 ? 'nothing left over' : left.join(', ')}`,
  );
  return left.map((each) => `${subject.name}: ${each}`);
}

const left: string[] = [];
for (const make of MAKERS) left.push(...(await run(make)));
upstream.closeAllConnections();
upstream.close();
await servers.stop();
if (left.length > 0) console.error(left.join('\n'));
process.exit(left.length > 0 ? 1 : 0);
