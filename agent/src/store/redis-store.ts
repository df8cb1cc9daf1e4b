import type { StateStore } from './state-store.ts';

/** What is needed of a client: `sendCommand` of node-redis, or `call` of ioredis. */
export type RedisClient =
  | { sendCommand(args: string[]): Promise<unknown> }
  | { call(command: string, ...args: string[]): Promise<unknown> };

export interface RedisStoreOptions {
  /**
   * What every key begins with; services that share nothing take different ones. Absent: `{fuseboard}:`, one slot of a
   * cluster.
   */
  readonly prefix?: string;
}

/** More members than this are not read; what they say is not counted. */
const MAX_MEMBERS = 10_000;

/**
 * A store in Redis 6 and later: a key with a time to live for each member, and a set of the members. It takes the
 * client as it is: connecting, waiting and errors of the connection are the client's and yours.
 */
export function redisStore(client: RedisClient, { prefix = '{fuseboard}:' }: RedisStoreOptions = {}): StateStore {
  const send = (command: string, ...args: string[]): Promise<unknown> =>
    'call' in client ? client.call(command, ...args) : client.sendCommand([command, ...args]);
  const members = `${prefix}members`;
  const key = (member: string) => `${prefix}member:${member}`;
  return {
    async put(member, entry, ttlMs) {
      await Promise.all([send('SET', key(member), entry, 'PX', String(ttlMs)), send('SADD', members, member)]);
    },
    async all() {
      const known = strings(await send('SMEMBERS', members)).slice(0, MAX_MEMBERS);
      if (known.length === 0) return [];
      const entries = strings(await send('MGET', ...known.map(key)));
      const expired = known.filter((_, i) => entries[i] === '');
      // A member that comes back in this moment is missing until it says something again, which is soon.
      if (expired.length > 0) await send('SREM', members, ...expired);
      return entries.filter((entry) => entry !== '');
    },
    async remove(member) {
      await Promise.all([send('DEL', key(member)), send('SREM', members, member)]);
    },
  };
}

/** What is not a text, such as a key that expired, is an empty one. */
function strings(answer: unknown): string[] {
  if (!Array.isArray(answer)) return [];
  return answer.map((item) => (typeof item === 'string' || Buffer.isBuffer(item) ? String(item) : ''));
}
