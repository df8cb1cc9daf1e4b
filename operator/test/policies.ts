import type { Policy } from '../src/core/policy/policy.ts';
import type { Aggregate } from '../src/core/replication/aggregates.ts';

/** A policy in the namespace `shop`, with its name as its uid, on the breaker of that name. */
export function shopPolicy(name: string, over: Partial<Policy> = {}): Policy {
  return {
    uid: name,
    namespace: 'shop',
    name,
    generation: 1,
    createdAt: 0,
    spec: { breakers: [name] },
    problems: [],
    ...over,
  };
}

/** What a replica counts for a policy that no agent has applied yet. */
export function unappliedRow(uid: string, matched = 1): Aggregate {
  return {
    ...{ uid, generation: 1, digest: 'd' },
    counts: {
      agents: { matched, applied: 0, rejected: 0, stale: 0 },
      breakers: { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 },
      fallback: { optedIn: 0, unused: 0 },
      ...{ open: [], rejections: [] },
    },
  };
}
