import type { AggregateChange, Aggregates } from '../core/replication/aggregates.ts';

/** What is known about the other replicas. */
export interface ReplicasListener {
  /** Other replicas count something else. */
  changed(changes: readonly AggregateChange[]): void;
  /** This replica leads from now on. */
  elected(): void;
  /**
   * Replicas came, left or were given up.
   *
   * @param left whether agents of one of them are on their way to the others.
   */
  regrouped(left: boolean): void;
}

/** The other replicas of this operator. Nothing here throws, and nothing waits for the network but `stop`. */
export interface Replicas {
  start(aggregates: Aggregates, listener: ReplicasListener): void;
  /** Whether this replica writes status and Events. */
  readonly leading: boolean;
  /** What this replica counts for a policy is different, or the policy is gone. */
  publish(uid: string): void;
  /** Gives up the leadership and takes everything of this replica away, so that others continue without it at once. */
  stop(): Promise<void>;
}

/** A single process: it is the leader, and there are no other replicas. */
export const singleReplica: Replicas = {
  start() {},
  leading: true,
  publish() {},
  async stop() {},
};
