import type { PolicyStatus } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { PolicySnapshot, SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Fleet, PolicyCounts, Receipt } from '../core/fleet/fleet.ts';
import { conditionOf } from '../core/policy/condition.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { AggregateChange, Aggregates } from '../core/replication/aggregates.ts';
import { inGracePeriod, type StatusInput, statusOf } from '../core/status/policy-status.ts';
import type { Replicas } from '../ports/replicas.ts';
import type { StatusSink } from '../ports/status-sink.ts';
import { Rotation } from './rotation.ts';

export interface PolicyStatusReconcilerOptions {
  readonly snapshots: SnapshotCache;
  readonly fleet: Fleet;
  readonly aggregates: Aggregates;
  readonly replicas: Pick<Replicas, 'leading' | 'publish'>;
  readonly sink: StatusSink;
  readonly log: Logger;
  readonly clock: Clock;
  readonly wallClock: () => number;
}

interface PolicyRecord {
  readonly namespace: string;
  /** The version of the spec that `status` describes. */
  digest: string;
  seenAt: number;
  expected: number;
  status: PolicyStatus | undefined;
  /** Whether `status` was worked out here, and not only read back. */
  reconciledHere: boolean;
}

/**
 * Counts the agents of this replica for each policy. On the leader, it computes the status of policies from the counts
 * of all replicas, and passes changes to the sink and the log.
 */
export class PolicyStatusReconciler {
  readonly #options: PolicyStatusReconcilerOptions;
  /** When agents were last known to be on their way here. */
  #graceSince: number;
  readonly #records = new Map<string, PolicyRecord>();
  readonly #changedAt = new Map<string, number>();
  readonly #touched = new Map<string, Set<string>>();
  readonly #rotation = new Rotation();

  constructor(options: PolicyStatusReconcilerOptions) {
    this.#options = options;
    this.#graceSince = options.clock.now();
  }

  /** A policy is new or was edited; the time until it is programmed counts from here. */
  onPolicyChanged({ uid }: Policy): void {
    this.#changedAt.set(uid, this.#options.clock.now());
  }

  /** This replica leads from now on: what was written by the leader before it is where it begins. */
  onElected(): void {
    this.#records.clear();
  }

  /**
   * A replica left: statuses stay as they are until as many agents as before are back, or the time for that is over.
   */
  beginGracePeriod(): void {
    this.#graceSince = this.#options.clock.now();
    for (const record of this.#records.values()) {
      record.reconciledHere = false;
      record.expected = record.status?.agents?.matched ?? 0;
    }
  }

  /** Something about these policies may be different. */
  touch(namespace: string, uids: Iterable<string>): void {
    const touched = this.#touched.get(namespace) ?? new Set();
    for (const uid of uids) touched.add(uid);
    this.#touched.set(namespace, touched);
  }

  /** Policies with a status that changes with time alone. */
  timeDependent(): Map<string, string[]> {
    const waiting = new Map<string, string[]>();
    for (const [uid, { namespace, reconciledHere, status }] of this.#records) {
      if (reconciledHere && conditionOf(status, 'Programmed')?.reason !== 'Pending') continue;
      const uids = waiting.get(namespace) ?? [];
      uids.push(uid);
      waiting.set(namespace, uids);
    }
    return waiting;
  }

  /** The newest status of a policy; on a replica that does not lead, what the leader wrote. */
  status({ uid, status }: Policy): PolicyStatus | undefined {
    return this.#options.replicas.leading ? (this.#records.get(uid)?.status ?? status) : status;
  }

  /** What the agents of this replica make of a policy. */
  counts(uid: string): PolicyCounts | undefined {
    return this.#options.aggregates.own(uid)?.counts;
  }

  forget(policy: Policy): void {
    const { aggregates, replicas, sink } = this.#options;
    const { uid } = policy;
    this.#records.delete(uid);
    this.#changedAt.delete(uid);
    aggregates.drop(uid);
    replicas.publish(uid);
    sink.forget(policy);
  }

  /** Counts again for all policies that were touched, and works out their statuses on the leader. */
  reconcile(): void {
    const { snapshots, fleet, aggregates, replicas, clock } = this.#options;
    const now = clock.now();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [namespace, uids] of touched) {
      const counts = fleet.counts(namespace, uids, now);
      for (const uid of uids) {
        const policySnapshot = snapshots.policy(namespace, uid);
        if (!policySnapshot) continue;
        const { generation, digest } = policySnapshot.entry;
        if (aggregates.count({ uid, generation, digest, counts: counts.get(uid)! })) replicas.publish(uid);
        if (replicas.leading) this.#reconcile(policySnapshot, now);
      }
    }
  }

  /**
   * Hands a part of the statuses to the sink again, for somebody else may have changed or removed what was written. To
   * be called once a second.
   */
  rewrite(): void {
    const { snapshots, replicas, sink } = this.#options;
    if (!replicas.leading) return;
    for (const uid of this.#rotation.next(this.#records.keys())) {
      const policy = snapshots.find(uid)?.policy;
      const record = this.#records.get(uid);
      if (policy && record?.reconciledHere && record.status) sink.write(policy, record.status);
    }
  }

  /** Reports changes on the agents of another replica; that replica has logged each of them. */
  onReplicaReport({ uid, before, after }: AggregateChange): void {
    const { snapshots, sink, replicas } = this.#options;
    const policy = snapshots.find(uid)?.policy;
    if (!policy || !replicas.leading || !after) return;
    const was = before?.counts ?? NOTHING;
    const is = after.counts;
    const opened = is.open.filter((label) => !was.open.includes(label));
    if (is.breakers.open > was.breakers.open && opened.length > 0) {
      sink.event(policy, { type: 'Warning', reason: 'BreakerOpened', message: `opened: ${opened.join(', ')}` });
    }
    const unwell = ({ breakers: { open, halfOpen } }: typeof NOTHING) => open + halfOpen;
    if (unwell(was) > 0 && unwell(is) === 0 && is.breakers.closed > was.breakers.closed) {
      const message = `${unwell(was)} of its breakers closed, and none is open there`;
      sink.event(policy, { type: 'Normal', reason: 'BreakerClosed', message });
    }
  }

  /** Tells of what an agent reported for the first time; `mayLog` says before each line whether it may be written. */
  onReport(
    namespace: string,
    instance: string,
    { transitions, rejections }: Extract<Receipt, { kind: 'accepted' }>,
    mayLog: () => boolean = () => true,
  ): void {
    const { log, sink, snapshots, replicas } = this.#options;
    for (const { breaker, uid, shadow, from, to, agoMs, reason } of transitions) {
      const policy = uid === undefined ? undefined : snapshots.policy(namespace, uid)?.policy;
      const facts = { namespace, policy: policy?.name, breaker, agent: instance, from, to, reason, agoMs, shadow };
      if (mayLog()) log.info(facts, `breaker ${STATE_WORDS[to]}`);
      if (!policy || shadow || !replicas.leading) continue;
      if (to === 'open') {
        const message = `breaker "${breaker}" opened on ${instance}: ${reason}`;
        sink.event(policy, { type: 'Warning', reason: 'BreakerOpened', message });
      } else if (to === 'closed') {
        sink.event(policy, {
          type: 'Normal',
          reason: 'BreakerClosed',
          message: `breaker "${breaker}" closed on ${instance}`,
        });
      }
    }
    for (const { uid, rejection } of rejections) {
      const policy = snapshots.policy(namespace, uid)?.policy;
      if (!mayLog()) continue;
      log.warn(
        { namespace, policy: policy?.name, ...rejection, message: undefined, detail: rejection.message },
        'agent rejected a policy',
      );
    }
  }

  #reconcile({ policy, entry }: PolicySnapshot, now: number): void {
    const { snapshots, aggregates, wallClock, sink } = this.#options;
    const changedAt = this.#changedAt.get(policy.uid) ?? now;
    let record = this.#records.get(policy.uid);
    if (!record) {
      const written = policy.generation > 0 && policy.status?.observedGeneration === policy.generation;
      const digest = written ? entry.digest : '';
      const expected = policy.status?.agents?.matched ?? 0;
      record = {
        namespace: policy.namespace,
        digest,
        seenAt: changedAt,
        expected,
        status: policy.status,
        reconciledHere: false,
      };
      this.#records.set(policy.uid, record);
    }
    const sameSpec = record.digest === entry.digest;
    if (!sameSpec) record.seenAt = changedAt;
    const input: StatusInput = {
      generation: policy.generation,
      problems: policy.problems,
      precedence: snapshots.precedence(policy),
      ...aggregates.merged(policy.uid, entry.digest),
      previous: record.status,
      sameSpec,
      ageMs: now - record.seenAt,
      uptimeMs: now - this.#graceSince,
      expected: record.expected,
      now: wallClock(),
    };
    const status = statusOf(input);
    const before = record.status;
    const reason = conditionOf(before, 'Accepted')?.reason;
    const settled = sameSpec && !record.reconciledHere && reason === conditionOf(status, 'Accepted')?.reason;
    if (settled && inGracePeriod(input)) return;
    record.digest = entry.digest;
    record.reconciledHere = true;
    record.status = status;
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    sink.write(policy, status);
    this.#announce(policy, before, status, sameSpec, now - record.seenAt);
  }

  #announce(
    policy: Policy,
    before: PolicyStatus | undefined,
    after: PolicyStatus,
    sameSpec: boolean,
    tookMs: number,
  ): void {
    const { log, sink } = this.#options;
    const facts = { namespace: policy.namespace, policy: policy.name, generation: policy.generation };
    const accepted = conditionOf(after, 'Accepted')!;
    const wasAccepted = conditionOf(before, 'Accepted');
    if (!sameSpec || wasAccepted?.reason !== accepted.reason) {
      const fine = accepted.status === 'True';
      log[fine ? 'info' : 'warn']({ ...facts, detail: accepted.message }, `policy ${STATE_WORDS[accepted.reason]}`);
      // An edit that is as good as the version before it is no news for a person.
      if (!fine || wasAccepted?.reason !== accepted.reason) {
        const named = fine ? 'Accepted' : accepted.reason;
        sink.event(policy, { type: fine ? 'Normal' : 'Warning', reason: named, message: accepted.message });
      }
    }
    const programmed = conditionOf(after, 'Programmed')!;
    const was = conditionOf(before, 'Programmed');
    if (sameSpec && was?.reason === programmed.reason) return;
    if (programmed.status === 'True') {
      const { matched } = after.agents!;
      log.info({ ...facts, agents: matched, tookMs: Math.round(tookMs) }, 'policy programmed');
      sink.event(policy, { type: 'Normal', reason: 'Programmed', message: programmed.message });
    } else if (programmed.reason === 'AgentsGone') {
      log.warn({ ...facts, detail: programmed.message }, 'policy has no agent any more');
      sink.event(policy, { type: 'Warning', reason: 'AgentsGone', message: programmed.message });
    } else if (programmed.reason === 'Rejected' && accepted.status === 'True') {
      log.warn({ ...facts, detail: programmed.message }, 'policy rejected by agents');
      sink.event(policy, { type: 'Warning', reason: 'Rejected', message: programmed.message });
    }
  }
}

const NOTHING: Pick<PolicyCounts, 'breakers' | 'open'> = {
  breakers: { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 },
  open: [],
};

const STATE_WORDS: Record<string, string> = {
  open: 'opened',
  closed: 'closed',
  'half-open': 'is half-open',
  Valid: 'accepted',
  Invalid: 'invalid',
  Conflicted: 'conflicted',
};
