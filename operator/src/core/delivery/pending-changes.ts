import { CACHE_LIMITS } from '../limits/cache-limits.ts';

/** A change of the target of an agent that the agent has not applied yet. */
export interface PendingChange {
  readonly revision: string;
  /** When the operator saw the change, in ms of its clock. */
  readonly seenAt: number;
}

/** Of an agent that applies none. The last stored change represents all later ones. */
const MAX_CHANGES = CACHE_LIMITS['pending-changes'].entries;

/** Appends a change to the pending changes of an agent. */
export function addPending(pending: readonly PendingChange[], change: PendingChange): readonly PendingChange[] {
  if (pending.length < MAX_CHANGES) return [...pending, change];
  const { seenAt } = pending.at(-1)!;
  return [...pending.slice(0, -1), { ...change, seenAt }];
}

/**
 * Splits pending changes when an agent applied a revision: the revision includes the change that led to it and all
 * earlier ones.
 *
 * @returns the propagation time of each included change, in ms, and the changes that are left.
 */
export function splitApplied(
  pending: readonly PendingChange[],
  revision: string,
  appliedAt: number,
): { readonly tookMs: readonly number[]; readonly left: readonly PendingChange[] } {
  // An agent may report an earlier time at which it ran the same revision.
  const last = pending.findLastIndex((change) => change.revision === revision && change.seenAt <= appliedAt);
  return {
    tookMs: pending.slice(0, last + 1).map(({ seenAt }) => appliedAt - seenAt),
    left: last < 0 ? pending : pending.slice(last + 1),
  };
}
