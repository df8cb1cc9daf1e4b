import { get } from 'node:http';
import { get as getTls } from 'node:https';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { credentials, Client as GrpcClient } from '@grpc/grpc-js';
import axios from 'axios';
import { drizzle } from 'drizzle-orm/node-postgres';
import got16 from 'got';
import got14 from 'got-14';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { createClient } from 'redis';
import { Agent as Undici7, fetch as undici7Fetch } from 'undici';
import { Agent as Undici8 } from 'undici-8';
import { breakerAdapter } from '../../src/adapters/axios.ts';
import { breakerFetch } from '../../src/adapters/fetch.ts';
import { grpcInterceptor } from '../../src/adapters/grpc.ts';
import { breakerInterceptor } from '../../src/adapters/undici.ts';
import { type Client, given, type Target, urlOf } from './client.ts';

const both = (own: AbortSignal, { signal, limitMs }: Target) =>
  AbortSignal.any([own, ...(signal ? [signal] : []), ...(limitMs === undefined ? [] : [AbortSignal.timeout(limitMs)])]);

/** The clients that are the same on each Node. */
export const CLIENTS: readonly Client[] = [
  {
    name: 'undici 7, fetch',
    by: '`breakerFetch`',
    speaks: 'http',
    lacks: ['limit'],
    call: async (breaker, target) =>
      (await breakerFetch(breaker, { fetch: undici7Fetch })(urlOf(target), given(target))).text(),
  },
  ...(
    [
      ['undici 7, request', Undici7],
      ['undici 8, request', Undici8],
    ] as const
  ).map(
    ([name, Agent]): Client => ({
      name,
      by: '`breakerInterceptor`',
      speaks: 'http',
      async call(breaker, target) {
        const { limitMs } = target;
        const agent = new Agent(limitMs === undefined ? {} : { headersTimeout: limitMs, bodyTimeout: limitMs });
        const dispatcher = (agent as Undici7).compose(breakerInterceptor(breaker));
        try {
          const { origin, pathname } = new URL(urlOf(target));
          const { body } = await dispatcher.request({ origin, path: pathname, method: 'GET', ...given(target) });
          return await body.text();
        } finally {
          await agent.destroy();
        }
      },
    }),
  ),
  {
    name: 'axios 1',
    by: '`breakerAdapter`',
    speaks: 'http',
    call: (breaker, target) =>
      axios.get(urlOf(target), {
        adapter: breakerAdapter(breaker, axios.getAdapter('http')),
        proxy: false,
        ...(target.limitMs === undefined ? {} : { timeout: target.limitMs }),
        ...given(target),
      }),
  },
  ...(
    [
      ['got 14', got14],
      ['got 16', got16],
    ] as const
  ).map(
    ([name, got]): Client => ({
      name,
      by: '`execute`',
      speaks: 'http',
      call: (breaker, target) =>
        breaker.execute(
          ({ signal }) =>
            (got as typeof got16)(urlOf(target), {
              signal,
              retry: { limit: 0 },
              ...(target.limitMs === undefined ? {} : { timeout: { request: target.limitMs } }),
            }),
          given(target),
        ),
    }),
  ),
  {
    name: 'node:http',
    by: '`execute`',
    speaks: 'http',
    call: (breaker, target) =>
      breaker.execute(
        ({ signal }) =>
          new Promise((resolve, reject) => {
            const send = target.scheme === 'tls' ? getTls : get;
            const request = send(urlOf(target), { signal, agent: false }, (response) => {
              response.on('error', reject);
              response.on('end', () => resolve(response));
              response.resume();
            });
            request.on('error', reject);
            if (target.limitMs !== undefined)
              request.setTimeout(target.limitMs, () => request.destroy(new Error('the request took too long')));
          }),
        given(target),
      ),
  },
  {
    name: 'AWS SDK 3',
    by: '`execute`',
    speaks: 'http',
    call: (breaker, target) =>
      breaker.execute(async ({ signal }) => {
        const client = new STSClient({
          endpoint: urlOf(target),
          region: 'eu-central-1',
          credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
          maxAttempts: 1,
        });
        try {
          return await client.send(new GetCallerIdentityCommand({}), {
            abortSignal: both(signal, { ...target, signal: undefined } as never),
          });
        } finally {
          client.destroy();
        }
      }, given(target)),
  },
  {
    name: 'grpc-js 1',
    by: '`grpcInterceptor`',
    speaks: 'grpc',
    lacks: ['signal'],
    call: async (breaker, { scheme, host, port, path, limitMs }) => {
      const channel = scheme === 'tls' ? credentials.createSsl() : credentials.createInsecure();
      const client = new GrpcClient(`${host}:${port}`, channel, { interceptors: [grpcInterceptor(breaker)] });
      const same = (value: Buffer) => value;
      const deadline = limitMs === undefined ? {} : { deadline: Date.now() + limitMs };
      try {
        return await new Promise((resolve, reject) => {
          client.makeUnaryRequest(`/test.Test${path}`, same, same, Buffer.alloc(0), deadline, (error, value) =>
            error === null ? resolve(value) : reject(error),
          );
        });
      } finally {
        client.close();
      }
    },
  },
  {
    name: 'node-postgres 8',
    by: '`execute`',
    speaks: 'database',
    lacks: ['signal', 'tls'],
    call: (breaker, { host, port, limitMs }) =>
      breaker.execute(async ({ signal }) => {
        const client = new pg.Client({
          host,
          port,
          user: 'u',
          password: 'p',
          database: 'd',
          connectionTimeoutMillis: limitMs,
        });
        return ended(signal, client, async () => {
          await client.connect();
          return client.query('select 1');
        });
      }),
  },
  {
    name: 'Drizzle (node-postgres)',
    by: '`execute`',
    speaks: 'database',
    lacks: ['signal', 'tls'],
    call: (breaker, { host, port, limitMs }) =>
      breaker.execute(async ({ signal }) => {
        const client = new pg.Pool({
          host,
          port,
          user: 'u',
          password: 'p',
          database: 'd',
          connectionTimeoutMillis: limitMs ?? 0,
        });
        return ended(signal, { end: async () => {}, on: client.on.bind(client) }, () =>
          drizzle(client).execute('select 1'),
        );
      }),
  },
  {
    name: 'mysql2 3',
    by: '`execute`',
    speaks: 'database',
    lacks: ['signal', 'tls'],
    call: (breaker, { host, port, limitMs }) =>
      breaker.execute(() =>
        createConnection({ host, port, user: 'u', password: 'p', connectTimeout: limitMs ?? 60_000 }),
      ),
  },
  {
    name: 'mongodb 7',
    by: '`execute`',
    speaks: 'database',
    lacks: ['signal'],
    call: (breaker, { scheme, host, port, limitMs = 2_000 }) =>
      breaker.execute(async ({ signal }) => {
        const client = new MongoClient(`mongodb://${host}:${port}`, {
          tls: scheme === 'tls',
          serverSelectionTimeoutMS: limitMs,
          directConnection: true,
        });
        return ended(signal, { end: () => client.close(true), on: () => {} }, () =>
          client.db('d').command({ ping: 1 }),
        );
      }),
  },
  {
    name: 'ioredis 6',
    by: '`execute`',
    speaks: 'database',
    lacks: ['signal'],
    call: (breaker, { scheme, host, port, limitMs }) =>
      breaker.execute(async ({ signal }) => {
        const client = new Redis({
          host,
          port,
          ...(scheme === 'tls' && { tls: {} }),
          lazyConnect: true,
          retryStrategy: null,
          maxRetriesPerRequest: 0,
          ...(limitMs !== undefined && { commandTimeout: limitMs }),
        } as never);
        return ended(signal, { end: async () => client.disconnect(), on: client.on.bind(client) }, () =>
          client.get('a'),
        );
      }),
  },
  {
    name: 'node-redis 6',
    by: '`execute`',
    speaks: 'database',
    lacks: ['signal'],
    call: (breaker, { scheme, host, port, limitMs }) =>
      breaker.execute(async ({ signal }) => {
        const client = createClient({
          url: `redis${scheme === 'tls' ? 's' : ''}://${host}:${port}`,
          disableOfflineQueue: true,
          socket: { reconnectStrategy: false, ...(limitMs !== undefined && { socketTimeout: limitMs }) },
        });
        return ended(signal, { end: async () => client.destroy(), on: client.on.bind(client) as never }, async () => {
          await client.connect();
          return client.get('a');
        });
      }),
  },
];

/** Runs the work of a client that is made for one call, and ends the client with it, or when the call is given up. */
async function ended<T>(
  signal: AbortSignal,
  client: { end(): Promise<unknown>; on(event: 'error', listener: () => void): unknown },
  work: () => Promise<T>,
): Promise<T> {
  client.on('error', () => {});
  const end = () =>
    void Promise.resolve()
      .then(() => client.end())
      .catch(() => {});
  signal.addEventListener('abort', end);
  try {
    return await work();
  } finally {
    end();
  }
}
