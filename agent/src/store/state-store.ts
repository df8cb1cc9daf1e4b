import { checkOptions } from '../errors/options.ts';

/**
 * A store of members' views. Each member has its own entry with a time to live, so that no member overwrites another.
 */
export interface StateStore {
  /** Replaces the entry of a member; it expires after `ttlMs` milliseconds. */
  put(member: string, entry: string, ttlMs: number): Promise<void>;
  /** The entries of all members that have not expired. */
  all(): Promise<readonly string[]>;
  /** Removes the entry of a member. */
  remove(member: string): Promise<void>;
}

/** A store within one process, for tests and as an example. */
export function memoryStore(options: { readonly now?: () => number } = {}): StateStore {
  checkOptions('memoryStore', options, { now: 'function' });
  const { now = () => performance.now() } = options;
  const entries = new Map<string, { readonly entry: string; readonly expiresAt: number }>();
  return {
    async put(member, entry, ttlMs) {
      entries.set(member, { entry, expiresAt: now() + ttlMs });
    },
    async all() {
      for (const [member, { expiresAt }] of entries) if (expiresAt <= now()) entries.delete(member);
      return [...entries.values()].map(({ entry }) => entry);
    },
    async remove(member) {
      entries.delete(member);
    },
  };
}
