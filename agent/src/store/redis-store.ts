import { checkMethods, checkOptions } from '../errors/options.ts';
import type { StateStore } from './state-store.ts';

/** The client: `sendCommand` of a client or a cluster of node-redis, or `call` of ioredis. */
export type RedisClient =
  | { sendCommand(args: string[]): Promise<unknown> }
  | {
      readonly masters: readonly unknown[];
      sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
    }
  | { call(command: string, ...args: string[]): Promise<unknown> };

export interface RedisStoreOptions {
  /**
   * Prefix of every key. Services that share no state need different ones. In a cluster it needs a part in braces,
   * which puts all keys into one slot. Absent: `{fuseboard}:`.
   */
  readonly prefix?: string;
}

/** Maximum number of members to read. Further members are not counted. */
const MAX_MEMBERS = 10_000;

/**
 * A store in Redis 6 and later: a key with a time to live for each member, and a set of the members. The caller owns
 * the client, its connection and its errors.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): StateStore {
  checkMethods('the client of redisStore', client, 'call' in Object(client) ? 'call' : 'sendCommand');
  checkOptions('redisStore', options, { prefix: 'string' });
  const { prefix = '{fuseboard}:' } = options;
  const send = (command: string, ...args: string[]): Promise<unknown> => {
    if ('call' in client) return client.call(command, ...args);
    if ('masters' in client) return client.sendCommand(args[0], false, [command, ...args]);
    return client.sendCommand([command, ...args]);
  };
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
      // A member that returns at this moment is missing until its next exchange.
      if (expired.length > 0) await send('SREM', members, ...expired);
      return entries.filter((entry) => entry !== '');
    },
    async remove(member) {
      await Promise.all([send('DEL', key(member)), send('SREM', members, member)]);
    },
  };
}

/**
 * Converts a reply to strings. A reply that is not a string, such as that for an expired key, becomes an empty string.
 */
function strings(answer: unknown): string[] {
  if (!Array.isArray(answer)) return [];
  return answer.map((item) => (typeof item === 'string' || Buffer.isBuffer(item) ? String(item) : ''));
}
