import type { AggregateChange, Aggregates } from '../core/replication/aggregates.ts';

/** Notified of changes of the other replicas. */
export interface ReplicasListener {
  /** Counts of other replicas changed. */
  changed(changes: readonly AggregateChange[]): void;
  /** This replica was elected as the leader. */
  elected(): void;
  /**
   * Replicas joined, left or expired.
   *
   * @param left whether one left, so that its agents are about to connect to others.
   */
  regrouped(left: boolean): void;
}

/** The other replicas of this operator. No method throws, and only `stop` waits for the network. */
export interface Replicas {
  start(aggregates: Aggregates, listener: ReplicasListener): void;
  /** Whether this replica writes status and Events. */
  readonly leading: boolean;
  /** Publishes the counts of this replica for a policy, which changed or was deleted. */
  publish(uid: string): void;
  /** Releases the leadership and removes the objects of this replica, so that the others continue at once. */
  stop(): Promise<void>;
}

/** For an operator with a single process, which is always the leader. */
export const singleReplica: Replicas = {
  start() {},
  leading: true,
  publish() {},
  async stop() {},
};
