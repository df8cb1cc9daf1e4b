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
export interface Outcome<T extends Subject> {
  readonly before: StatusOf<T> | undefined;
  readonly status: StatusOf<T>;
  /** Called after the status was handed to the sink, when it says something else than before. */
  announce(): void;
}

/**
 * Counts what the fleet of this replica makes of each object of one kind; on the leader, works out their statuses from
 * what all replicas count, and hands those that are different to the sink. Subclasses define
 * what is counted, which status follows from it, and which changes are announced.
 */
export abstract class StatusReconciler<T extends Subject> {
  /** The newest status of each object that this leader knows of. */
  protected readonly statuses = new Map<T['uid'], StatusOf<T>>();
  readonly #options: StatusReconcilerOptions;
  readonly #touched = new Map<string, Set<T['uid']>>();
  readonly #rotation = new Rotation();

  constructor(options: StatusReconcilerOptions) {
    this.#options = options;
  }

  /** An object that is still there, and the version of its spec that is counted. */
  protected abstract find(uid: T['uid']): { readonly object: T; readonly digest: string } | undefined;

  /** Counts, for each of these objects, how many agents of this replica apply and reject it. */
  protected abstract count(
    namespace: string,
    uids: ReadonlySet<T['uid']>,
    now: number,
  ): ReadonlyMap<T['uid'], PolicyCounts>;

  /** Computes the status from the counts of all replicas; undefined while it is too early to say. */
  protected abstract workOut(object: T, digest: string, merged: Merged, now: number): Outcome<T> | undefined;

  /** Whether the status of an object was worked out here, and not only read back. */
  protected abstract wasWorkedOut(uid: T['uid']): boolean;

  /** Marks objects whose counts or status may have changed; uids of objects that are gone are ignored. */
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

  /** The newest status of an object; on a replica that does not lead, what the leader wrote. */
  status({ uid, status }: T): StatusOf<T> | undefined {
    const written = status as StatusOf<T> | undefined;
    return this.#options.replicas.leading ? (this.statuses.get(uid) ?? written) : written;
  }

  /** An object is gone. */
  forget(object: T): void {
    const { aggregates, replicas, sink } = this.#options;
    this.statuses.delete(object.uid);
    aggregates.drop(object.uid);
    replicas.publish(object.uid);
    sink.forget(object);
  }

  /** Counts again for all objects that were touched, and works out their statuses on the leader. */
  reconcile(): void {
    const { aggregates, replicas, clock } = this.#options;
    const now = clock.now();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [namespace, uids] of touched) {
      for (const [uid, counts] of this.count(namespace, uids, now)) {
        const found = this.find(uid);
        if (found === undefined) continue;
        const { object, digest } = found;
        const { generation } = object;
        if (aggregates.count({ uid, generation, digest, counts })) replicas.publish(uid);
        if (replicas.leading) this.#reconcile(object, digest, now);
      }
    }
  }

  /**
   * Hands a part of the statuses to the sink again, for somebody else may have changed or removed what was written. To
   * be called once a second.
   */
  rewrite(): void {
    const { replicas, sink } = this.#options;
    if (!replicas.leading) return;
    for (const uid of this.#rotation.next(this.statuses.keys())) {
      const [object, status] = [this.find(uid)?.object, this.statuses.get(uid)];
      if (object && status && this.wasWorkedOut(uid)) sink.write(object, status);
    }
  }

  #reconcile(object: T, digest: string, now: number): void {
    const { aggregates, sink } = this.#options;
    const outcome = this.workOut(object, digest, aggregates.merged(object.uid, digest), now);
    if (outcome === undefined) return;
    const { before, status } = outcome;
    this.statuses.set(object.uid, status);
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    sink.write(object, status);
    outcome.announce();
  }
}
