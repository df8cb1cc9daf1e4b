import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { type RedisServer, startRedis } from '../../test/redis-server.ts';
import { memoryStore, redisStore, type StateStore } from './index.ts';

let redis: RedisServer;
let nodeRedis: ReturnType<typeof createClient>;
let ioredis: Redis;
beforeAll(async () => {
  redis = await startRedis();
  nodeRedis = createClient({ url: `redis://127.0.0.1:${redis.port}` });
  await nodeRedis.connect();
  ioredis = new Redis({ port: redis.port, host: '127.0.0.1' });
});
afterAll(async () => {
  await nodeRedis.close();
  ioredis.disconnect();
  await redis.stop();
});

const stores: [string, () => StateStore][] = [
  ['in memory', () => memoryStore()],
  ['in Redis with node-redis', () => redisStore(nodeRedis, { prefix: 'one:' })],
  ['in Redis with ioredis', () => redisStore(ioredis, { prefix: 'two:' })],
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
