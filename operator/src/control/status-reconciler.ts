import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Fleet, PolicyCounts } from '../core/fleet/fleet.ts';
import type { Aggregates, Merged } from '../core/replication/aggregates.ts';
import type { Replicas } from '../ports/replicas.ts';
import type { StatusOf, StatusSink, Subject } from '../ports/status-sink.ts';
import { Rotation } from './rotation.ts';

export interface StatusReconcilerOptions {
  readonly snapshots: SnapshotCache;
  readonly fleet: Fleet;
  readonly aggregates: Aggregates;
  readonly replicas: Pick<Replicas, 'leading' | 'publish'>;
  readonly sink: StatusSink;
  readonly log: Logger;
  readonly clock: Clock;
  readonly wallClock: () => number;
}

/** A computed status, the previous one, and how the change is announced. */
export interface StatusChange<T extends Subject> {
  readonly before: StatusOf<T> | undefined;
  readonly status: StatusOf<T>;
  /** Logs and sends Events. Called after a status that differs from the previous one was passed to the sink. */
  announce(): void;
}

/**
 * Counts, for each object of one kind, the agents of this replica that apply or reject it. On the leader, computes the
 * statuses from the counts of all replicas, and passes changed ones to the sink. Subclasses define what is counted,
 * which status follows from the counts, and which changes are announced.
 */
export abstract class StatusReconciler<T extends Subject> {
  /** The newest status of each object, on the leader. */
  protected readonly statuses = new Map<T['uid'], StatusOf<T>>();
  readonly #options: StatusReconcilerOptions;
  readonly #touched = new Map<string, Set<T['uid']>>();
  readonly #rotation = new Rotation();

  constructor(options: StatusReconcilerOptions) {
    this.#options = options;
  }

  /** An object, and the digest of the version that is counted; undefined when it was deleted. */
  protected abstract find(uid: T['uid']): { readonly object: T; readonly digest: string } | undefined;

  /** Counts, for each of these objects, how many agents of this replica apply and reject it. */
  protected abstract count(
    namespace: string,
    uids: ReadonlySet<T['uid']>,
    now: number,
  ): ReadonlyMap<T['uid'], PolicyCounts>;

  /** Computes the status from the counts of all replicas; undefined while too few agents have reported. */
  protected abstract compute(object: T, digest: string, merged: Merged, now: number): StatusChange<T> | undefined;

  /** Whether the status of an object was computed by this leader, and not only read from the source. */
  protected abstract wasComputed(uid: T['uid']): boolean;

  /**
   * Marks objects of a namespace whose counts or status may have changed. Uids of objects that are gone, or that are in
   * another namespace, are ignored.
   */
  touch(namespace: string, uids: Iterable<T['uid']>): void {
    for (const uid of uids) {
      const touched = this.#touched.get(namespace) ?? new Set();
      this.#touched.set(namespace, touched.add(uid));
    }
  }

  /** Whether there is something to reconcile. */
  protected get anyTouched(): boolean {
    return this.#touched.size > 0;
  }

  /** The newest status of an object; on a replica that does not lead, the one that the leader wrote. */
  status({ uid, status }: T): StatusOf<T> | undefined {
    const written = status as StatusOf<T> | undefined;
    return this.#options.replicas.leading ? (this.statuses.get(uid) ?? written) : written;
  }

  /** Drops a deleted object. */
  forget(object: T): void {
    const { aggregates, replicas, sink } = this.#options;
    this.statuses.delete(object.uid);
    aggregates.drop(object.uid);
    replicas.publish(object.uid);
    sink.forget(object);
  }

  /** Counts again for all touched objects, and computes their statuses on the leader. */
  reconcile(): void {
    const { aggregates, replicas, clock } = this.#options;
    const now = clock.now();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [namespace, uids] of touched) {
      for (const [uid, counts] of this.count(namespace, uids, now)) {
        const found = this.find(uid);
        // An object of another namespace has other agents, so these counts are not its own.
        if (found === undefined || found.object.namespace !== namespace) continue;
        const { object, digest } = found;
        const { generation } = object;
        if (aggregates.setOwn({ uid, generation, digest, counts })) replicas.publish(uid);
        if (replicas.leading) this.#reconcile(object, digest, now);
      }
    }
  }

  /**
   * Passes a part of the statuses to the sink again, because another writer may have changed or removed a stored
   * status. To be called once a second.
   */
  rewrite(): void {
    const { replicas, sink } = this.#options;
    if (!replicas.leading) return;
    for (const uid of this.#rotation.next(this.statuses.keys())) {
      const [object, status] = [this.find(uid)?.object, this.statuses.get(uid)];
      if (object && status && this.wasComputed(uid)) sink.write(object, status);
    }
  }

  #reconcile(object: T, digest: string, now: number): void {
    const { aggregates, sink } = this.#options;
    const outcome = this.compute(object, digest, aggregates.merged(object.uid, digest), now);
    if (outcome === undefined) return;
    const { before, status } = outcome;
    this.statuses.set(object.uid, status);
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    sink.write(object, status);
    outcome.announce();
  }
}
