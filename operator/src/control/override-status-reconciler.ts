import type { OverrideStatus } from '@fuseboard/schema';
import type { PolicyCounts } from '../core/fleet/fleet.ts';
import { conditionOf } from '../core/policy/condition.ts';
import { isActive, type Override } from '../core/policy/override.ts';
import type { Merged } from '../core/replication/aggregates.ts';
import { overrideStatusOf } from '../core/status/override-status.ts';
import { GRACE_PERIOD_MS } from '../core/status/policy-status.ts';
import type { OverrideUid } from '../core/uid.ts';
import type { OverrideStore } from '../ports/override-store.ts';
import { Problem } from '../ports/problem.ts';
import { type StatusChange, StatusReconciler, type StatusReconcilerOptions } from './status-reconciler.ts';

export interface OverrideStatusReconcilerOptions extends StatusReconcilerOptions {
  readonly store: OverrideStore;
  /** How long an override is kept after its end, in ms. */
  readonly retentionMs: number;
}

/** The delay before the removal of an override is retried. */
const RETRY_MS = 30_000;

/** Maximum number of concurrent removals. */
const MAX_REMOVALS = 4;

/** Computes the statuses of overrides. On the leader, removes each override `retentionMs` after its end. */
export class OverrideStatusReconciler extends StatusReconciler<Override> {
  readonly #options: OverrideStatusReconcilerOptions;
  #overrides: ReadonlyMap<OverrideUid, Override> = new Map();
  /** When each override was first seen here. */
  readonly #seenAt = new Map<OverrideUid, number>();
  readonly #removing = new Set<OverrideUid>();
  /** When a failed removal may be retried. */
  readonly #failedUntil = new Map<OverrideUid, number>();

  constructor(options: OverrideStatusReconcilerOptions) {
    super(options);
    this.#options = options;
  }

  /** Replaces the overrides by those of the source. To be called after each change of the source. */
  setOverrides(overrides: Iterable<Override>): void {
    const next = new Map([...overrides].map((override) => [override.uid, override]));
    for (const [uid, override] of this.#overrides) {
      if (next.has(uid)) continue;
      for (const times of [this.#seenAt, this.#failedUntil]) times.delete(uid);
      this.forget(override);
      this.#logChange(override, 'override removed');
    }
    for (const [uid, override] of next) {
      if (this.#seenAt.has(uid)) continue;
      this.#seenAt.set(uid, this.#options.clock.now());
      this.#logChange(override, 'override added');
      this.touch(override.namespace, [uid]);
    }
    this.#overrides = next;
  }

  /** Drops the statuses of an earlier term: the source has those that the former leader wrote. */
  onElected(): void {
    this.statuses.clear();
    this.touchAll();
  }

  touchAll(): void {
    for (const { namespace, uid } of this.#overrides.values()) this.touch(namespace, [uid]);
  }

  get(uid: OverrideUid): Override | undefined {
    return this.#overrides.get(uid);
  }

  /**
   * Touches the overrides whose status changes with time alone, and starts due removals. To be called once a second.
   *
   * @returns whether a status must be computed.
   */
  sweep(): boolean {
    const { clock, wallClock, replicas, retentionMs } = this.#options;
    const [now, wall] = [clock.now(), wallClock()];
    for (const override of this.#overrides.values()) {
      const { uid, namespace, expiresAt } = override;
      const status = this.status(override);
      const ended = expiresAt <= wall;
      const phase = override.problems.length > 0 ? 'Invalid' : ended ? 'Ended' : 'Active';
      const waits =
        phase === 'Active' && (!this.statuses.has(uid) || conditionOf(status, 'Applied')?.status !== 'True');
      if (replicas.leading && (waits || status?.phase !== phase)) this.touch(namespace, [uid]);
      // Removed only after the status with its end was computed.
      const removable =
        status?.phase === phase && expiresAt + retentionMs <= wall && (this.#failedUntil.get(uid) ?? 0) <= now;
      if (removable && replicas.leading && !this.#removing.has(uid) && this.#removing.size < MAX_REMOVALS) {
        void this.#remove(override);
      }
    }
    return this.anyTouched;
  }

  async #remove(override: Override): Promise<void> {
    const { store, log, clock } = this.#options;
    this.#removing.add(override.uid);
    try {
      await store.remove(override);
    } catch (error) {
      this.#failedUntil.set(override.uid, clock.now() + RETRY_MS);
      // An override in a file is removed by an edit of the file.
      if (error instanceof Problem && error.status === 409) return;
      const { namespace, name } = override;
      log.warn({ namespace, override: name }, `cannot remove an override that has ended: ${(error as Error).message}`);
    } finally {
      this.#removing.delete(override.uid);
    }
  }

  protected find(uid: OverrideUid) {
    const object = this.#overrides.get(uid);
    return object && { object, digest: this.#options.snapshots.override(uid)?.entry.digest ?? '' };
  }

  protected count(
    namespace: string,
    uids: ReadonlySet<OverrideUid>,
    now: number,
  ): ReadonlyMap<OverrideUid, PolicyCounts> {
    const counts = this.#options.fleet.overrideCounts(namespace, uids, now);
    return new Map([...counts].map(([uid, agents]) => [uid, { ...NOTHING, agents }]));
  }

  protected wasComputed(uid: OverrideUid): boolean {
    return this.statuses.has(uid);
  }

  protected compute(
    override: Override,
    _digest: string,
    merged: Merged,
    now: number,
  ): StatusChange<Override> | undefined {
    const { wallClock } = this.#options;
    const { uid, expiresAt } = override;
    const before = this.statuses.get(uid) ?? override.status;
    const ageMs = now - this.#seenAt.get(uid)!;
    // Agents that applied it before this replica led are still reconnecting.
    const appliedBefore = before?.phase === 'Active' ? (before.agents?.matched ?? 0) : 0;
    const ended = expiresAt <= wallClock();
    if (!ended && ageMs < GRACE_PERIOD_MS && merged.counts.agents.matched < appliedBefore) return undefined;
    const status = overrideStatusOf({ override, ...merged, previous: before, ageMs, now: wallClock() });
    return { before, status, announce: () => this.#announce(override, before, status) };
  }

  #announce(override: Override, before: OverrideStatus | undefined, status: OverrideStatus): void {
    const { sink, log } = this.#options;
    const { namespace, name, problems, spec } = override;
    if (before === undefined && problems.length === 0) {
      sink.event(override, { type: 'Normal', reason: spec.action, message: describe(override, status) });
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
