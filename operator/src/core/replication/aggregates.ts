import { MAX_REJECTIONS } from '@fuseboard/schema';
import { MAX_OPEN_NAMED, type PolicyCounts } from '../fleet/fleet.ts';
import type { AgentCounts } from '../fleet/rollout.ts';
import type { BreakerCounts, FallbackCounts } from '../fleet/state-counts.ts';

/**
 * The counts of one replica for one policy. A policy without agents has an aggregate too, because an absent aggregate
 * means that the replica has not seen the policy.
 */
export interface Aggregate {
  readonly uid: string;
  readonly generation: number;
  /** The version of the spec that `applied` and `rejected` count. */
  readonly digest: string;
  readonly counts: PolicyCounts;
}

/** The counts of all replicas together. */
export interface Merged {
  readonly counts: PolicyCounts;
  /** Number of live replicas without counts for this version of the spec. */
  readonly unheard: number;
}

/** A Lease of another replica. */
export interface ReplicaHeartbeat {
  readonly replica: string;
  /** Changes with each restart of the replica. */
  readonly boot: string;
  /** Changes with every renewal. */
  readonly version: string;
}

/** A part of the counts of another replica. */
export interface Shard {
  readonly replica: string;
  readonly boot: string;
  /** Of two shards that contain the same policy, the one with the higher number is current. */
  readonly sequence: number;
  readonly rows: readonly Aggregate[];
}

/** Changes in the group of replicas. */
export interface Regrouping {
  /** Whether a replica left or restarted: its agents are reconnecting to other replicas. */
  readonly left: boolean;
  /** Whether replicas joined, left, restarted or expired. */
  readonly regrouped: boolean;
  readonly changes: readonly AggregateChange[];
}

/** The aggregate of another replica for a policy, before and after a change. */
export interface AggregateChange {
  readonly uid: string;
  readonly before: Aggregate | undefined;
  readonly after: Aggregate | undefined;
}

interface Replica {
  beat: ReplicaHeartbeat | undefined;
  /** When the Lease was last seen to change, or when a replica without a Lease was first seen. */
  changedAt: number;
  /** Whether a change of its Lease was observed. A Lease without changes may be left over from a dead replica. */
  proven: boolean;
  /** Whether the replica has expired. */
  lost: boolean;
  shards: readonly Shard[];
  /** The counts of the replica that are included in sums. */
  rows: ReadonlyMap<string, Aggregate>;
}

const NO_ROWS: ReadonlyMap<string, Aggregate> = new Map();

/**
 * The counts of this replica and of the others for each policy. Another replica is included while its Lease changes: a
 * Lease that was there before this process and has not changed since may be left over from a dead replica. Each call
 * gets the time, in milliseconds.
 */
export class Aggregates {
  readonly #own = new Map<string, Aggregate>();
  readonly #replicas = new Map<string, Replica>();
  #listed = false;

  /** Sets the counts of this replica for a policy; returns whether they changed. */
  setOwn(row: Aggregate): boolean {
    const known = same(this.#own.get(row.uid), row);
    if (!known) this.#own.set(row.uid, row);
    return !known;
  }

  drop(uid: string): void {
    this.#own.delete(uid);
  }

  own(uid: string): Aggregate | undefined {
    return this.#own.get(uid);
  }

  /** The names of the other live replicas. */
  get others(): readonly string[] {
    return [...this.#replicas].filter(([, { beat, lost }]) => beat && !lost).map(([name]) => name);
  }

  /** The names of expired replicas with stored shards. */
  get lost(): readonly string[] {
    return [...this.#replicas].filter(([, { lost }]) => lost).map(([name]) => name);
  }

  /** Replaces the Leases of all other replicas. */
  onHeartbeats(heartbeats: readonly ReplicaHeartbeat[], now: number): Regrouping {
    const found = new Map(heartbeats.map((beat) => [beat.replica, beat]));
    const changes: AggregateChange[] = [];
    let left = false;
    let regrouped = false;
    for (const name of new Set([...found.keys(), ...this.#replicas.keys()])) {
      const replica = this.#replica(name, now);
      const before = replica.beat;
      const beat = found.get(name);
      if (before?.version === beat?.version) continue;
      replica.beat = beat;
      replica.changedAt = now;
      if (before && replica.proven && before.boot !== beat?.boot) left = true;
      const { proven } = replica;
      replica.proven = beat !== undefined && (this.#listed || before !== undefined);
      replica.lost = false;
      if (proven !== replica.proven || before?.boot !== beat?.boot) regrouped = true;
      changes.push(...this.#settle(name, replica));
    }
    this.#listed = true;
    return { changes, left, regrouped };
  }

  /** Replaces the published shards of all other replicas; returns the changed aggregates. */
  setShards(shards: readonly Shard[], now: number): AggregateChange[] {
    const byReplica = new Map<string, Shard[]>();
    for (const shard of shards) byReplica.set(shard.replica, [...(byReplica.get(shard.replica) ?? []), shard]);
    const changes: AggregateChange[] = [];
    for (const name of new Set([...byReplica.keys(), ...this.#replicas.keys()])) {
      const replica = this.#replica(name, now);
      const next = byReplica.get(name) ?? [];
      if (next.length === replica.shards.length && next.every((shard, i) => shard === replica.shards[i])) continue;
      replica.shards = next;
      changes.push(...this.#settle(name, replica));
    }
    return changes;
  }

  /** Expires replicas whose Lease has not changed for `expiryMs`. */
  expire(expiryMs: number, now: number): Regrouping {
    const changes: AggregateChange[] = [];
    let regrouped = false;
    for (const [name, replica] of this.#replicas) {
      if (replica.lost || now - replica.changedAt < expiryMs) continue;
      replica.lost = true;
      replica.proven = false;
      regrouped = true;
      changes.push(...this.#settle(name, replica));
    }
    return { left: false, regrouped, changes };
  }

  /** The sum of the counts of all replicas for a policy with this version of the spec. */
  merged(uid: string, digest: string): Merged {
    const rows: Aggregate[] = [];
    const own = this.#own.get(uid);
    if (own) rows.push(own);
    let unheard = 0;
    for (const [, { beat, proven, lost, rows: held }] of [...this.#replicas].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!beat || lost) continue;
      const row = held.get(uid);
      if (!proven || row?.digest !== digest) unheard += 1;
      if (row) rows.push(row);
    }
    return { counts: sum(rows, digest), unheard };
  }

  #replica(name: string, now: number): Replica {
    const known = this.#replicas.get(name);
    if (known) return known;
    const made: Replica = { beat: undefined, changedAt: now, proven: false, lost: false, shards: [], rows: NO_ROWS };
    this.#replicas.set(name, made);
    return made;
  }

  #settle(name: string, replica: Replica): AggregateChange[] {
    const { beat, proven, rows: before } = replica;
    const current = proven ? replica.shards.filter(({ boot }) => boot === beat?.boot) : [];
    const after = new Map<string, Aggregate>();
    for (const { rows } of current.toSorted((a, b) => a.sequence - b.sequence)) {
      for (const row of rows) after.set(row.uid, row);
    }
    replica.rows = after;
    if (!beat && replica.shards.length === 0) this.#replicas.delete(name);
    const uids = new Set([...before.keys(), ...after.keys()]);
    return [...uids].flatMap((uid) => {
      const change = { uid, before: before.get(uid), after: after.get(uid) };
      return same(change.before, change.after) ? [] : [change];
    });
  }
}

const same = (a: Aggregate | undefined, b: Aggregate | undefined) => a === b || JSON.stringify(a) === JSON.stringify(b);

/**
 * Sums aggregates. What agents of a row with another digest applied, rejected or limit is another version, so these
 * counts are left out.
 */
function sum(rows: readonly Aggregate[], digest: string): PolicyCounts {
  const agents: AgentCounts = { matched: 0, applied: 0, rejected: 0, stale: 0 };
  const breakers: BreakerCounts = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };
  const fallback: FallbackCounts = { optedIn: 0, unused: 0 };
  for (const row of rows) {
    fallback.optedIn += row.counts.fallback.optedIn;
    fallback.unused += row.counts.fallback.unused;
    agents.matched += row.counts.agents.matched;
    agents.stale += row.counts.agents.stale;
    for (const state of Object.keys(breakers) as (keyof BreakerCounts)[]) breakers[state] += row.counts.breakers[state];
  }
  const current = rows.filter((row) => row.digest === digest);
  for (const { counts } of current) {
    agents.applied += counts.agents.applied;
    agents.rejected += counts.agents.rejected;
    const { guarded } = counts.agents;
    if (guarded !== undefined) agents.guarded = (agents.guarded ?? 0) + guarded;
  }
  return {
    agents,
    breakers,
    fallback,
    open: rows.flatMap(({ counts }) => counts.open).slice(0, MAX_OPEN_NAMED),
    rejections: current.flatMap(({ counts }) => counts.rejections).slice(0, MAX_REJECTIONS),
  };
}
