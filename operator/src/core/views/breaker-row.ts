import { type Circuit, LATENCY_SLOT_MS, LATENCY_SLOTS, type StateChange } from '../fleet/circuits.ts';
import type { BreakerCounts, BreakerState } from '../fleet/state-counts.ts';
import { type OutageRow, outageRow } from '../outages/outage-row.ts';
import type { Outage } from '../outages/outages.ts';
import { MEASURES, SLOT_MS, SLOTS, slotOf } from '../slots.ts';

/** How many agents a row names where circuits are not closed. */
export const MAX_UNWELL_NAMED = 3;

/** What was counted in a window. */
export interface Counted {
  readonly calls: number;
  readonly failed: number;
  readonly slow: number;
  readonly rejected: number;
}

/** One breaker name under one policy, over all agents of a replica. Times are milliseconds since 1970. */
export interface BreakerRow {
  readonly id: string;
  readonly namespace: string;
  readonly breaker: string;
  /** The policy; absent for the defaults of the code. */
  readonly uid?: string;
  /** The worst state on any agent; `none` when no agent has the breaker any more. */
  readonly state: BreakerState | 'none';
  /** Whether the worst state is one of mode Shadow: nothing is rejected. */
  readonly shadow: boolean;
  /** Since when there is a breaker in that state. */
  readonly since: number;
  /** When the newest report came. */
  readonly heard: number;
  readonly agents: number;
  readonly states: BreakerCounts;
  /** Agents on which the circuit is not closed, the worst first. */
  readonly unwell: readonly string[];
  /** The sums of the window of the policy. */
  readonly window: Counted;
  /** Calls of the last minute by duration; bucket i counts those under 2^i x 0.125 ms that no smaller bucket counts. */
  readonly latency: readonly number[];
  /** The number of the first slot of `samples`. */
  readonly slot: number;
  /** For each slot up to now: calls, failed, slow, rejected, one after the other. */
  readonly samples: readonly number[];
  readonly changes: readonly StateChange[];
  /** The outage that lasts, or ended less than a minute ago. */
  readonly outage?: OutageRow;
}

export interface RowInput {
  /** Monotonic. */
  readonly now: number;
  /** Milliseconds since 1970 at that moment. */
  readonly wall: number;
  /** The window of the policy, in milliseconds. */
  readonly windowMs: number;
  /** The first slot to tell of. Absent: all that is known. */
  readonly fromSlot?: number;
  /** The outage of the circuit that is not over. */
  readonly outage?: Outage | undefined;
}

/** Reads a circuit as a row. */
export function breakerRow(circuit: Circuit, { now, wall, windowMs, fromSlot = 0, outage }: RowInput): BreakerRow {
  const { id, namespace, breaker, uid, heardAt, agents, states, counted, latency, changes } = circuit;
  const date = (at: number) => Math.round(wall - (now - at));
  const current = slotOf(now);
  const minute = Math.floor(now / LATENCY_SLOT_MS);
  const first = Math.max(fromSlot, current - SLOTS + 1, 0);
  const sums = counted.sum(current - Math.ceil(windowMs / SLOT_MS) + 1, current);
  const window = Object.fromEntries(MEASURES.map((name, i) => [name, sums[i]])) as unknown as Counted;
  return {
    id,
    namespace,
    breaker,
    ...(uid !== '' && { uid }),
    ...worst(circuit, date),
    heard: date(heardAt),
    agents,
    states: { ...states },
    window,
    latency: trimmed(latency.sum(minute - LATENCY_SLOTS + 1, minute)),
    ...beginning(counted.read(first, current), first, current),
    changes: changes.map((change) => ({ ...change, at: date(change.at) })),
    ...(outage !== undefined && { outage: outageRow(outage, now, date) }),
  };
}

function worst(
  { states, unwell, agents, closedAt, heardAt }: Circuit,
  date: (at: number) => number,
): Pick<BreakerRow, 'state' | 'shadow' | 'since' | 'unwell'> {
  if (agents === 0) return { state: 'none', shadow: false, since: date(heardAt), unwell: [] };
  const { open, halfOpen, shadowOpen } = states;
  const state = open > 0 ? 'open' : halfOpen > 0 ? 'half-open' : shadowOpen > 0 ? 'open' : 'closed';
  if (state === 'closed') {
    const since = Number.isFinite(closedAt) ? closedAt : heardAt;
    return { state, shadow: false, since: date(since), unwell: [] };
  }
  const shadow = open === 0 && halfOpen === 0;
  const named: string[] = [];
  let since = Number.POSITIVE_INFINITY;
  for (const one of unwell.values()) {
    if (one.state !== state || (state === 'open' && one.shadow !== shadow)) continue;
    since = Math.min(since, one.since);
    if (named.length < MAX_UNWELL_NAMED) named.push(one.instance);
  }
  return { state, shadow, since: date(Number.isFinite(since) ? since : heardAt), unwell: named };
}

function trimmed(buckets: readonly number[]): number[] {
  return buckets.slice(0, buckets.findLastIndex((calls) => calls > 0) + 1);
}

/** Leaves out the slots before the first in which something was counted; the current one stays. */
function beginning(samples: readonly number[], first: number, current: number): { slot: number; samples: number[] } {
  const used = samples.findIndex((count) => count > 0);
  const skipped = used === -1 ? current - first : Math.floor(used / MEASURES.length);
  return { slot: first + skipped, samples: samples.slice(skipped * MEASURES.length) };
}
