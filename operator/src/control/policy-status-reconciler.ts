import type { PolicyStatus } from '@fuseboard/schema';
import type { PolicyCounts, Receipt } from '../core/fleet/fleet.ts';
import { conditionOf } from '../core/policy/condition.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { AggregateChange, Merged } from '../core/replication/aggregates.ts';
import { outageEvent } from '../core/status/outage-status.ts';
import { inGracePeriod, type StatusInput, statusOf } from '../core/status/policy-status.ts';
import type { PolicyUid } from '../core/uid.ts';
import { type Outcome, StatusReconciler, type StatusReconcilerOptions } from './status-reconciler.ts';

interface PolicyRecord {
  readonly namespace: string;
  /** The version of the spec that its status describes. */
  digest: string;
  seenAt: number;
  /** How many agents it had before this leader began, or before a replica left. */
  expected: number;
  /** Whether its status was worked out here, and not only read back. */
  reconciledHere: boolean;
}

/**
 * Counts the agents of this replica for each policy. On the leader, it computes the status of policies from the counts
 * of all replicas, and passes changes to the sink and the log.
 */
export class PolicyStatusReconciler extends StatusReconciler<Policy> {
  readonly #options: StatusReconcilerOptions;
  /** When agents were last known to be on their way here. */
  #graceSince: number;
  readonly #records = new Map<PolicyUid, PolicyRecord>();
  readonly #changedAt = new Map<PolicyUid, number>();

  constructor(options: StatusReconcilerOptions) {
    super(options);
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
    this.statuses.clear();
  }

  /**
   * A replica left: statuses stay as they are until as many agents as before are back, or the time for that is over.
   */
  beginGracePeriod(): void {
    this.#graceSince = this.#options.clock.now();
    for (const [uid, record] of this.#records) {
      record.reconciledHere = false;
      record.expected = this.statuses.get(uid)?.agents?.matched ?? 0;
    }
  }

  /** Policies with a status that changes with time alone. */
  timeDependent(): Map<string, PolicyUid[]> {
    const waiting = new Map<string, PolicyUid[]>();
    for (const [uid, { namespace, reconciledHere }] of this.#records) {
      if (reconciledHere && conditionOf(this.statuses.get(uid), 'Programmed')?.reason !== 'Pending') continue;
      const uids = waiting.get(namespace) ?? [];
      uids.push(uid);
      waiting.set(namespace, uids);
    }
    return waiting;
  }

  /** How many agents of this replica apply and reject a policy, with the states of their breakers. */
  counts(uid: PolicyUid): PolicyCounts | undefined {
    return this.#options.aggregates.own(uid)?.counts;
  }

  override forget(policy: Policy): void {
    this.#records.delete(policy.uid);
    this.#changedAt.delete(policy.uid);
    super.forget(policy);
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

  protected find(uid: PolicyUid) {
    const found = this.#options.snapshots.find(uid);
    return found && { object: found.policy, digest: found.entry.digest };
  }

  protected count(namespace: string, uids: ReadonlySet<PolicyUid>, now: number): ReadonlyMap<PolicyUid, PolicyCounts> {
    return this.#options.fleet.counts(namespace, uids, now);
  }

  protected wasWorkedOut(uid: PolicyUid): boolean {
    return this.#records.get(uid)?.reconciledHere === true;
  }

  protected workOut(policy: Policy, digest: string, merged: Merged, now: number): Outcome<Policy> | undefined {
    const { uid, generation, problems } = policy;
    const { snapshots, wallClock } = this.#options;
    const changedAt = this.#changedAt.get(uid) ?? now;
    const record = this.#records.get(uid) ?? this.#readBack(policy, digest, changedAt);
    const before = this.statuses.get(uid);
    const sameSpec = record.digest === digest;
    if (!sameSpec) record.seenAt = changedAt;
    const input: StatusInput = {
      generation,
      problems,
      precedence: snapshots.precedence(policy),
      ...merged,
      previous: before,
      sameSpec,
      ageMs: now - record.seenAt,
      uptimeMs: now - this.#graceSince,
      expected: record.expected,
      now: wallClock(),
      cause: this.#causeOf(policy),
    };
    const status = statusOf(input);
    const reason = conditionOf(before, 'Accepted')?.reason;
    const settled = sameSpec && !record.reconciledHere && reason === conditionOf(status, 'Accepted')?.reason;
    if (settled && inGracePeriod(input)) return undefined;
    record.digest = digest;
    record.reconciledHere = true;
    return { before, status, announce: () => this.#announce(policy, before, status, sameSpec, input.ageMs) };
  }

  /** Why a breaker of a policy opened, and the failure that opened it, when an agent of this replica told. */
  #causeOf({ namespace, uid }: Policy): string | undefined {
    for (const { uid: own, over, reason, error } of this.#options.fleet.outages.list(namespace)) {
      if (own !== uid || over || reason === undefined) continue;
      return error === undefined ? reason : `${reason}: ${error}`;
    }
    return undefined;
  }

  /** Begins with what the source says of a policy. */
  #readBack({ uid, namespace, generation, status }: Policy, digest: string, seenAt: number): PolicyRecord {
    const written = generation > 0 && status?.observedGeneration === generation;
    const record = {
      namespace,
      digest: written ? digest : '',
      seenAt,
      expected: status?.agents?.matched ?? 0,
      reconciledHere: false,
    };
    this.#records.set(uid, record);
    if (status) this.statuses.set(uid, status);
    return record;
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
    const event = outageEvent(before?.outage, after.outage);
    if (event) sink.event(policy, event);
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
