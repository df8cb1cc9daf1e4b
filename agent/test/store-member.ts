/**
 * A process that shares the state of its breaker over Redis: node store-member.ts PORT node-redis|ioredis. It does what
 * the messages of its parent say, and tells it each change of state.
 */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { getBreaker } from '../src/index.ts';
import { redisStore, shareState } from '../src/store/index.ts';

const [, , port, kind] = process.argv;
const breaker = getBreaker('shared', {
  defaults: { trip: { consecutiveFailures: 3 }, recovery: { openDuration: '10m', halfOpen: { successThreshold: 1 } } },
});
const store = redisStore(kind === 'ioredis' ? ioredis() : await nodeRedis());
const warnings: string[] = [];
const sharing = shareState(store, { intervalMs: 50, ttlMs: 1000, warn: (message) => warnings.push(message) });

process.on('message', async (order: string) => {
  if (order === 'fail') for (let i = 0; i < 3; i++) breaker.enter()?.fail();
  if (order === 'recover') breaker.reset();
  if (order === 'stop') {
    await sharing.stop();
    process.exit(0);
  }
});
setInterval(() => {
  const { state, forced } = breaker.stats();
  process.send!({ state, forced: forced !== undefined, connected: sharing.connected, warnings: warnings.length });
}, 10);

function ioredis() {
  const client = new Redis({
    port: Number(port),
    host: '127.0.0.1',
    maxRetriesPerRequest: null,
    retryStrategy: () => 50,
  });
  client.on('error', () => {});
  return client;
}

async function nodeRedis() {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: () => 50 } });
  client.on('error', () => {});
  await client.connect();
  return client;
}
