/**
 * Where processes leave what they see. Each member has one entry of its own, which expires by itself, so that no member
 * writes over what another one said.
 */
export interface StateStore {
  /** Replaces the entry of a member; it expires after the given number of milliseconds. */
  put(member: string, entry: string, ttlMs: number): Promise<void>;
  /** The entries that have not expired, of all members. */
  all(): Promise<readonly string[]>;
  /** Takes the entry of a member away. */
  remove(member: string): Promise<void>;
}

/** A store within one process, for tests and as an example of what a store does. */
export function memoryStore({ now = () => performance.now() }: { readonly now?: () => number } = {}): StateStore {
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
