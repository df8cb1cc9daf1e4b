/** A change of what an agent should run. */
export interface PendingChange {
  readonly revision: string;
  /** When the operator saw it, in ms of its clock. */
  readonly seenAt: number;
}

/** How many changes are stored for an agent that applies none; the last of them represents all that follow. */
const MAX_CHANGES = 8;

/** Adds a change to those that an agent has not shown yet to have applied. */
export function addPending(pending: readonly PendingChange[], change: PendingChange): readonly PendingChange[] {
  if (pending.length < MAX_CHANGES) return [...pending, change];
  const { seenAt } = pending.at(-1)!;
  return [...pending.slice(0, -1), { ...change, seenAt }];
}

/**
 * What became of pending changes when an agent applied a revision: it holds the change that led to it and all before
 * that.
 *
 * @returns for each of these how long it took, in ms, and the changes that are left.
 */
export function takeApplied(
  pending: readonly PendingChange[],
  revision: string,
  appliedAt: number,
): { readonly tookMs: readonly number[]; readonly left: readonly PendingChange[] } {
  // An agent may speak of an earlier time at which it ran the same revision.
  const last = pending.findLastIndex((change) => change.revision === revision && change.seenAt <= appliedAt);
  return {
    tookMs: pending.slice(0, last + 1).map(({ seenAt }) => appliedAt - seenAt),
    left: last < 0 ? pending : pending.slice(last + 1),
  };
}
