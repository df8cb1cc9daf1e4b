import type { OverrideStatus } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Fleet, PolicyCounts } from '../core/fleet/fleet.ts';
import { isActive, type Override, type OverrideStore } from '../core/policy/override.ts';
import type { Aggregates } from '../core/replication/aggregates.ts';
import { overrideStatusOf } from '../core/status/override-status.ts';
import { GRACE_PERIOD_MS } from '../core/status/policy-status.ts';
import { Problem } from '../ports/problem.ts';
import type { Replicas } from '../ports/replicas.ts';
import type { StatusSink } from '../ports/status-sink.ts';
import { Rotation } from './rotation.ts';

export interface OverrideReconcilerOptions {
  readonly snapshots: SnapshotCache;
  readonly fleet: Fleet;
  readonly aggregates: Aggregates;
  readonly replicas: Pick<Replicas, 'leading' | 'publish'>;
  readonly sink: StatusSink;
  readonly store: OverrideStore;
  readonly log: Logger;
  readonly clock: Clock;
  readonly wallClock: () => number;
  /** How long an override stays after its end, in ms. */
  readonly retentionMs: number;
}

/** An override that could not be removed is tried again after this. */
const RETRY_MS = 30_000;

/** How many overrides are removed at a time. */
const MAX_REMOVALS = 4;

/**
 * Counts what the fleet of this replica makes of each override; on the leader, works out their statuses from what all
 * replicas count, and removes them a while after their end.
 */
export class OverrideReconciler {
  readonly #options: OverrideReconcilerOptions;
  #overrides: ReadonlyMap<string, Override> = new Map();
  readonly #statuses = new Map<string, OverrideStatus>();
  /** When each was first seen here. */
  readonly #seenAt = new Map<string, number>();
  readonly #touched = new Set<string>();
  readonly #removing = new Set<string>();
  /** When a removal may be tried again. */
  readonly #failedUntil = new Map<string, number>();
  readonly #rotation = new Rotation();

  constructor(options: OverrideReconcilerOptions) {
    this.#options = options;
  }

  /** Every override that the source has, by uid; to be given whenever that changes. */
  setOverrides(overrides: Iterable<Override>): void {
    const { clock, aggregates, replicas, sink } = this.#options;
    const next = new Map([...overrides].map((override) => [override.uid, override]));
    for (const [uid, override] of this.#overrides) {
      if (next.has(uid)) continue;
      for (const appliedBefore of [this.#statuses, this.#seenAt, this.#failedUntil]) appliedBefore.delete(uid);
      aggregates.drop(uid);
      replicas.publish(uid);
      sink.forget(override);
      this.#logChange(override, 'override removed');
    }
    for (const [uid, override] of next) {
      if (this.#seenAt.has(uid)) continue;
      this.#seenAt.set(uid, clock.now());
      this.#logChange(override, 'override added');
      this.#touched.add(uid);
    }
    this.#overrides = next;
  }

  /** This replica leads from now on. */
  onElected(): void {
    this.#statuses.clear();
    this.touchAll();
  }

  touchAll(): void {
    for (const uid of this.#overrides.keys()) this.#touched.add(uid);
  }

  /** Something about these may be different; uids of anything else are passed over. */
  touch(uids: Iterable<string>): void {
    for (const uid of uids) if (this.#overrides.has(uid)) this.#touched.add(uid);
  }

  has(uid: string): boolean {
    return this.#overrides.has(uid);
  }

  all(): Iterable<Override> {
    return this.#overrides.values();
  }

  /** The newest status; on a replica that does not lead, what the leader wrote. */
  status({ uid, status }: Override): OverrideStatus | undefined {
    return this.#options.replicas.leading ? (this.#statuses.get(uid) ?? status) : status;
  }

  /** Counts again for all overrides that were touched, and works out their statuses on the leader. */
  reconcile(): void {
    const { snapshots, fleet, aggregates, replicas, clock } = this.#options;
    const now = clock.now();
    const byNamespace = new Map<string, Set<string>>();
    for (const uid of this.#touched) {
      const override = this.#overrides.get(uid);
      if (!override) continue;
      const uids = byNamespace.get(override.namespace) ?? new Set();
      byNamespace.set(override.namespace, uids.add(uid));
    }
    this.#touched.clear();
    for (const [namespace, uids] of byNamespace) {
      for (const [uid, agents] of fleet.overrideCounts(namespace, uids, now)) {
        const { generation } = this.#overrides.get(uid)!;
        const digest = snapshots.override(uid)?.entry.digest ?? '';
        const counts = { ...NOTHING, agents };
        if (aggregates.count({ uid, generation, digest, counts })) replicas.publish(uid);
        if (replicas.leading) this.#reconcile(this.#overrides.get(uid)!, digest, now);
      }
    }
  }

  /**
   * What the mere passing of time brings: ends, conditions that no longer wait, removals. Says whether something is to
   * be decided.
   */
  sweep(): boolean {
    const { clock, wallClock, replicas, retentionMs } = this.#options;
    const [now, wall] = [clock.now(), wallClock()];
    for (const override of this.#overrides.values()) {
      const { uid, expiresAt } = override;
      const status = this.status(override);
      const ended = expiresAt <= wall;
      const phase = override.problems.length > 0 ? 'Invalid' : ended ? 'Ended' : 'Active';
      const waits = phase === 'Active' && (!this.#statuses.has(uid) || status?.conditions?.[0]?.status !== 'True');
      if (replicas.leading && (waits || status?.phase !== phase)) this.#touched.add(uid);
      // A removal was reported before.
      const removable =
        status?.phase === phase && expiresAt + retentionMs <= wall && (this.#failedUntil.get(uid) ?? 0) <= now;
      if (removable && replicas.leading && !this.#removing.has(uid) && this.#removing.size < MAX_REMOVALS) {
        void this.#remove(override);
      }
    }
    return this.#touched.size > 0;
  }

  /** As for policies: hands a part of the statuses to the sink again. To be called once a second. */
  rewrite(): void {
    const { replicas, sink } = this.#options;
    if (!replicas.leading) return;
    for (const uid of this.#rotation.next(this.#statuses.keys())) {
      const [override, status] = [this.#overrides.get(uid), this.#statuses.get(uid)];
      if (override && status) sink.write(override, status);
    }
  }

  async #remove(override: Override): Promise<void> {
    const { store, log, clock } = this.#options;
    this.#removing.add(override.uid);
    try {
      await store.remove(override);
    } catch (error) {
      this.#failedUntil.set(override.uid, clock.now() + RETRY_MS);
      // What a file holds is removed there.
      if (error instanceof Problem && error.status === 409) return;
      const { namespace, name } = override;
      log.warn({ namespace, override: name }, `cannot remove an override that has ended: ${(error as Error).message}`);
    } finally {
      this.#removing.delete(override.uid);
    }
  }

  #reconcile(override: Override, digest: string, now: number): void {
    const { aggregates, sink, wallClock, log } = this.#options;
    const { uid, namespace, name, problems } = override;
    const before = this.#statuses.get(uid) ?? override.status;
    const merged = aggregates.merged(uid, digest);
    const ageMs = now - this.#seenAt.get(uid)!;
    // Agents that applied it before this operator began are on their way back.
    const appliedBefore = before?.phase === 'Active' ? (before.agents?.matched ?? 0) : 0;
    const ended = override.expiresAt <= wallClock();
    if (!ended && ageMs < GRACE_PERIOD_MS && merged.counts.agents.matched < appliedBefore) return;
    const status = overrideStatusOf({ override, ...merged, previous: before, ageMs, now: wallClock() });
    this.#statuses.set(uid, status);
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    sink.write(override, status);
    if (before === undefined && problems.length === 0) {
      sink.event(override, { type: 'Normal', reason: override.spec.action, message: describe(override, status) });
    }
    if (before?.phase === status.phase) return;
    const facts = { namespace, override: name, expiresAt: status.expiresAt };
    if (status.phase === 'Ended') {
      log.info(facts, 'override ended');
      sink.event(override, { type: 'Normal', reason: 'Ended', message: `ended at ${status.expiresAt}` });
    } else if (status.phase === 'Invalid') {
      const [first] = problems;
      sink.event(override, { type: 'Warning', reason: 'Invalid', message: `${first!.field}: ${first!.message}` });
    }
  }

  #logChange(override: Override, message: string): void {
    const { namespace, name, uid, spec, createdBy, problems, expiresAt } = override;
    const what =
      problems.length > 0
        ? { problems }
        : {
            action: spec.action,
            breakers: spec.breakers,
            reason: spec.reason,
            until: new Date(expiresAt).toISOString(),
          };
    const ended = !isActive(override, this.#options.wallClock());
    this.#options.log.info({ namespace, override: name, uid, by: createdBy, ...what, ended }, message);
  }
}

function describe({ spec, createdBy }: Override, { expiresAt }: OverrideStatus): string {
  const by = createdBy === undefined ? '' : ` by ${createdBy}`;
  return `${spec.action} of ${spec.breakers.join(', ')} until ${expiresAt}${by}: ${spec.reason}`;
}

const NOTHING: PolicyCounts = {
  agents: { matched: 0, applied: 0, rejected: 0, stale: 0 },
  fallback: { optedIn: 0, unused: 0 },
  breakers: { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 },
  open: [],
  rejections: [],
};
