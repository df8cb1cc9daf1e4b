import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { type RedisServer, startRedis } from '../../test/redis-server.ts';
import { memoryStore, redisStore, type StateStore } from './index.ts';

let redis: RedisServer;
let nodeRedis: ReturnType<typeof createClient>;
let ioredis: Redis;
let clustered: RedisServer;
let cluster: ReturnType<typeof createCluster>;
beforeAll(async () => {
  redis = await startRedis();
  nodeRedis = createClient({ url: `redis://127.0.0.1:${redis.port}` });
  await nodeRedis.connect();
  ioredis = new Redis({ port: redis.port, host: '127.0.0.1' });
  clustered = await startRedis({ clustered: true });
  const url = `redis://127.0.0.1:${clustered.port}`;
  const only = await createClient({ url }).connect();
  await only.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
  while (!String(await only.sendCommand(['CLUSTER', 'INFO'])).includes('cluster_state:ok'))
    await new Promise((resolve) => setTimeout(resolve, 20));
  await only.close();
  cluster = createCluster({ rootNodes: [{ url }] });
  await cluster.connect();
});
afterAll(async () => {
  await nodeRedis.close();
  ioredis.disconnect();
  await redis.stop();
  await cluster.close();
  await clustered.stop();
});

const stores: [string, () => StateStore][] = [
  ['in memory', () => memoryStore()],
  ['in Redis with node-redis', () => redisStore(nodeRedis, { prefix: 'one:' })],
  ['in Redis with ioredis', () => redisStore(ioredis, { prefix: 'two:' })],
  ['in a cluster of Redis with node-redis', () => redisStore(cluster)],
];

describe.each(stores)('a store %s', (_name, make) => {
  it('keeps one entry for each member until it is taken away or lapses', async () => {
    const store = make();
    expect(await store.all()).toEqual([]);
    await store.put('a', 'first of a', 600_000);
    await store.put('b', 'only of b', 600_000);
    await store.put('a', 'second of a', 600_000);
    expect([...(await store.all())].sort()).toEqual(['only of b', 'second of a']);
    await store.put('b', 'short', 1);
    let seen = await store.all();
    while (seen.length > 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen = await store.all();
    }
    expect(seen).toEqual(['second of a']);
    await store.remove('a');
    expect(await store.all()).toEqual([]);
  });
});

it('is not disturbed by what others left in Redis', async () => {
  await nodeRedis.set('three:members', 'not a set');
  await expect(redisStore(nodeRedis, { prefix: 'three:' }).all()).rejects.toThrow(/WRONGTYPE/);
  await nodeRedis.sAdd('four:members', ['gone', 'list']);
  await nodeRedis.lPush('four:member:list', 'x');
  expect(await redisStore(ioredis, { prefix: 'four:' }).all()).toEqual([]);
  expect(await nodeRedis.exists('four:members')).toBe(0);
});
