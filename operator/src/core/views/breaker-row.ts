import {
  type FleetBreaker,
  LATENCY_SLOT_MS,
  LATENCY_SLOTS,
  type LastError,
  type StateChange,
} from '../fleet/fleet-breakers.ts';
import type { BreakerCounts, BreakerState } from '../fleet/state-counts.ts';
import type { Outage, OutageHold } from '../outages/outage.ts';
import { type OutageRow, outageRow } from '../outages/outage-row.ts';
import { MEASURES, SLOT_MS, SLOTS, slotOf } from '../slots.ts';

/** Maximum number of agents with circuits that are not closed that a row names. */
export const MAX_UNWELL_NAMED = 3;

/** Maximum number of services that a row names. */
const MAX_SERVICES = 5;

/** Counts in a window. */
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
  /** The uid of the policy; absent when the defaults in code apply. */
  readonly uid?: string;
  /** The worst state on any agent; `none` when no agent has the breaker any more. */
  readonly state: BreakerState | 'none';
  /** Whether the worst state belongs to a breaker in mode Shadow, which rejects nothing. */
  readonly shadow: boolean;
  /** Since when at least one breaker is in that state. */
  readonly since: number;
  /** When the latest report arrived. */
  readonly heard: number;
  readonly agents: number;
  /** The services with most of these agents, the largest first. */
  readonly services: readonly { readonly service: string; readonly agents: number }[];
  readonly states: BreakerCounts;
  /** Agents whose circuit is not closed, the worst state first. */
  readonly unwell: readonly string[];
  /** The last failure on one of these agents; absent when not known. */
  readonly lastError?: LastError;
  /** The sums over the window of the policy. */
  readonly window: Counted;
  /** Calls of the last minute by duration. Bucket i counts calls under 2^i x 0.125 ms that no smaller bucket counts. */
  readonly latency: readonly number[];
  /** The number of the first slot of `samples`. */
  readonly slot: number;
  /** The counts of each slot up to now, concatenated: calls, failed, slow, rejected. */
  readonly samples: readonly number[];
  readonly changes: readonly StateChange[];
  /** The current outage, or the one that ended less than a minute ago. */
  readonly outage?: OutageRow;
}

export interface RowInput {
  /** The current monotonic time, in milliseconds. */
  readonly now: number;
  /** The same moment, in milliseconds since 1970. */
  readonly wall: number;
  /** The window of the policy, in milliseconds. */
  readonly windowMs: number;
  /** The first slot to include; absent for all stored slots. */
  readonly fromSlot?: number;
  /** The current outage of the breaker. */
  readonly outage?: Outage | undefined;
  /** The override that holds the circuits of the outage. */
  readonly held?: OutageHold | undefined;
}

/** Builds the row of a fleet breaker. */
export function breakerRow(
  fleetBreaker: FleetBreaker,
  { now, wall, windowMs, fromSlot = 0, outage, held }: RowInput,
): BreakerRow {
  const { id, namespace, breaker, uid, heardAt, agents, services, states, counted, latency, changes } = fleetBreaker;
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
    ...worst(fleetBreaker, date),
    heard: date(heardAt),
    agents,
    services: largestServices([...services].map(([service, { agents }]) => ({ service, agents }))),
    states: { ...states },
    window,
    latency: trimmed(latency.sum(minute - LATENCY_SLOTS + 1, minute)),
    ...beginning(counted.read(first, current), first, current),
    changes: changes.map((change) => ({ ...change, at: date(change.at) })),
    ...(outage !== undefined && { outage: outageRow(outage, now, date, held) }),
  };
}

function worst(
  { states, unwell, agents, closedAt, heardAt }: FleetBreaker,
  date: (at: number) => number,
): Pick<BreakerRow, 'state' | 'shadow' | 'since' | 'unwell' | 'lastError'> {
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
  let lastError: LastError | undefined;
  for (const one of unwell.values()) {
    if (one.state !== state || (state === 'open' && one.shadow !== shadow)) continue;
    since = Math.min(since, one.since);
    lastError ??= one.lastError;
    if (named.length < MAX_UNWELL_NAMED) named.push(one.instance);
  }
  return {
    state,
    shadow,
    since: date(Number.isFinite(since) ? since : heardAt),
    unwell: named,
    ...(lastError && { lastError }),
  };
}

/** Sums the agents of each service, and names the services with most of them. */
export function largestServices(parts: BreakerRow['services']): BreakerRow['services'] {
  const sums = new Map<string, number>();
  for (const { service, agents } of parts) sums.set(service, (sums.get(service) ?? 0) + agents);
  return [...sums]
    .map(([service, agents]) => ({ service, agents }))
    .sort((a, b) => b.agents - a.agents || (a.service < b.service ? -1 : 1))
    .slice(0, MAX_SERVICES);
}

function trimmed(buckets: readonly number[]): number[] {
  return buckets.slice(0, buckets.findLastIndex((calls) => calls > 0) + 1);
}

/** Removes the slots before the first one with calls. The current slot always stays. */
function beginning(samples: readonly number[], first: number, current: number): { slot: number; samples: number[] } {
  const used = samples.findIndex((count) => count > 0);
  const skipped = used === -1 ? current - first : Math.floor(used / MEASURES.length);
  return { slot: first + skipped, samples: samples.slice(skipped * MEASURES.length) };
}
