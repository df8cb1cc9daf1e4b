import type { CONDITION_REASONS, PolicyStatus } from '@fuseboard/schema';
import type { PolicyCounts, Receipt } from '../core/fleet/fleet.ts';
import type { BreakerState } from '../core/fleet/state-counts.ts';
import { isForced } from '../core/outages/forced.ts';
import { conditionOf } from '../core/policy/condition.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { AggregateChange, Merged } from '../core/replication/aggregates.ts';
import { type EndedOutage, hasEnded, isOver, outageBegan, outageEnded } from '../core/status/outage-status.ts';
import { inGracePeriod, type StatusInput, statusOf } from '../core/status/policy-status.ts';
import type { PolicyUid } from '../core/uid.ts';
import { type StatusChange, StatusReconciler, type StatusReconcilerOptions } from './status-reconciler.ts';

interface PolicyRecord {
  readonly namespace: string;
  /** The digest of the version that its status describes. */
  digest: string;
  /** When this version was first seen here. */
  seenAt: number;
  /** The number of agents before this replica led, or before another one left. */
  expected: number;
  /** Whether its status was computed by this leader, and not only read from the source. */
  computedHere: boolean;
}

/**
 * Counts the agents of this replica for each policy. On the leader, it computes the status of policies from the counts
 * of all replicas, and passes changes to the sink and the log.
 */
export class PolicyStatusReconciler extends StatusReconciler<Policy> {
  readonly #options: StatusReconcilerOptions;
  /** The start of the last grace period, in which agents are still connecting. */
  #graceSince: number;
  readonly #records = new Map<PolicyUid, PolicyRecord>();
  readonly #changedAt = new Map<PolicyUid, number>();
  /** Outages that ended, until they are over: an opening until then continues them. */
  readonly #endedOutages = new Map<PolicyUid, EndedOutage>();

  constructor(options: StatusReconcilerOptions) {
    super(options);
    this.#options = options;
    this.#graceSince = options.clock.now();
  }

  /** Called for a new or edited policy, whose time until it is programmed begins now. */
  onPolicyChanged({ uid }: Policy): void {
    this.#changedAt.set(uid, this.#options.clock.now());
  }

  /** Drops the statuses of an earlier term: this leader continues from those that the former leader wrote. */
  onElected(): void {
    this.#records.clear();
    this.#endedOutages.clear();
    this.statuses.clear();
  }

  /**
   * Called when a replica left: a status is not changed until as many agents as before are connected, or the grace
   * period is over.
   */
  beginGracePeriod(): void {
    this.#graceSince = this.#options.clock.now();
    for (const [uid, record] of this.#records) {
      record.computedHere = false;
      record.expected = this.statuses.get(uid)?.agents?.matched ?? 0;
    }
  }

  /** The policies whose status changes with time alone, by namespace. */
  timeDependent(): Map<string, PolicyUid[]> {
    const waiting = new Map<string, PolicyUid[]>();
    for (const [uid, { namespace, computedHere }] of this.#records) {
      if (computedHere && conditionOf(this.statuses.get(uid), 'Programmed')?.reason !== 'Pending') continue;
      const uids = waiting.get(namespace) ?? [];
      uids.push(uid);
      waiting.set(namespace, uids);
    }
    return waiting;
  }

  /** Sends the Event of each outage that is over now. To be called once a second. */
  announceOutagesOver(): void {
    if (!this.#options.replicas.leading) return;
    for (const [uid, outage] of this.#endedOutages) {
      const policy = this.find(uid)?.object;
      if (policy && isOver(outage, this.#options.wallClock())) this.#announceOver(policy, outage);
    }
  }

  /** How many agents of this replica apply and reject a policy, with the states of their breakers. */
  counts(uid: PolicyUid): PolicyCounts | undefined {
    return this.#options.aggregates.own(uid)?.counts;
  }

  override forget(policy: Policy): void {
    this.#records.delete(policy.uid);
    this.#changedAt.delete(policy.uid);
    this.#endedOutages.delete(policy.uid);
    super.forget(policy);
  }

  /** Sends Events about the agents of another replica, which has logged each change. */
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
    const notClosed = ({ breakers: { open, halfOpen } }: typeof NOTHING) => open + halfOpen;
    if (notClosed(was) > 0 && notClosed(is) === 0 && is.breakers.closed > was.breakers.closed) {
      const message = `breakers that closed on the agents of another replica: ${notClosed(was)}; none of them is open`;
      sink.event(policy, { type: 'Normal', reason: 'BreakerClosed', message });
    }
  }

  /**
   * Logs and sends Events for the transitions and rejections that are new in a report.
   *
   * @param mayLog whether a line may be written; called before each line.
   */
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

  protected wasComputed(uid: PolicyUid): boolean {
    return this.#records.get(uid)?.computedHere === true;
  }

  protected compute(policy: Policy, digest: string, merged: Merged, now: number): StatusChange<Policy> | undefined {
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
    const settled = sameSpec && !record.computedHere && reason === conditionOf(status, 'Accepted')?.reason;
    if (settled && inGracePeriod(input)) return undefined;
    record.digest = digest;
    record.computedHere = true;
    return { before, status, announce: () => this.#announce(policy, before, status, sameSpec, input.ageMs) };
  }

  /**
   * The reason and the last failure of an open breaker of a policy, preferably of one that opened by itself; undefined
   * when no agent of this replica has one.
   */
  #causeOf({ namespace, uid }: Policy): string | undefined {
    let cause: string | undefined;
    for (const { uid: own, over, reason, error } of this.#options.fleet.outages.list(namespace)) {
      if (own !== uid || over || reason === undefined) continue;
      if (!isForced({ reason })) return error === undefined ? reason : `${reason}: ${error}`;
      cause = reason;
    }
    return cause;
  }

  /** Creates the record of a policy from the status in the source. */
  #readBack({ uid, namespace, generation, status }: Policy, digest: string, seenAt: number): PolicyRecord {
    const written = generation > 0 && status?.observedGeneration === generation;
    const record = {
      namespace,
      digest: written ? digest : '',
      seenAt,
      expected: status?.agents?.matched ?? 0,
      computedHere: false,
    };
    this.#records.set(uid, record);
    if (status) this.statuses.set(uid, status);
    // The Event of an outage that is over was sent by the leader before.
    const outage = status?.outage;
    if (hasEnded(outage) && !isOver(outage, this.#options.wallClock())) this.#endedOutages.set(uid, outage);
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
    this.#announceOutage(policy, before?.outage, after.outage);
    const accepted = conditionOf(after, 'Accepted')!;
    const wasAccepted = conditionOf(before, 'Accepted');
    if (!sameSpec || wasAccepted?.reason !== accepted.reason) {
      const fine = accepted.status === 'True';
      log[fine ? 'info' : 'warn'](
        { ...facts, detail: accepted.message },
        `policy ${ACCEPTANCE_WORDS[accepted.reason as Acceptance]}`,
      );
      // No Event for an edit that changes nothing about acceptance.
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
      log.warn({ ...facts, detail: programmed.message }, 'policy has no live agent any more');
      sink.event(policy, { type: 'Warning', reason: 'AgentsGone', message: programmed.message });
    } else if (programmed.reason === 'Rejected' && accepted.status === 'True') {
      log.warn({ ...facts, detail: programmed.message }, 'policy rejected by agents');
      sink.event(policy, { type: 'Warning', reason: 'Rejected', message: programmed.message });
    }
  }

  /** Sends an Event at the beginning of an outage, and keeps its end until it is over: an outage ends once. */
  #announceOutage(policy: Policy, before: PolicyStatus['outage'], after: PolicyStatus['outage']): void {
    if (after === undefined) return;
    const ended = this.#endedOutages.get(policy.uid);
    if (after.startTime !== before?.startTime) {
      if (ended) this.#announceOver(policy, ended);
      else if (before !== undefined && !hasEnded(before))
        this.#announceOver(policy, { ...before, endTime: after.startTime });
      this.#options.sink.event(policy, outageBegan(after));
    }
    if (!hasEnded(after)) this.#endedOutages.delete(policy.uid);
    else if (!hasEnded(before)) this.#endedOutages.set(policy.uid, after);
  }

  #announceOver(policy: Policy, outage: EndedOutage): void {
    this.#endedOutages.delete(policy.uid);
    this.#options.sink.event(policy, outageEnded(outage));
  }
}

const NOTHING: Pick<PolicyCounts, 'breakers' | 'open'> = {
  breakers: { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 },
  open: [],
};

const STATE_WORDS: Readonly<Record<BreakerState, string>> = {
  open: 'opened',
  closed: 'closed',
  'half-open': 'is half-open',
};

type Acceptance = (typeof CONDITION_REASONS)['Accepted'][number];

const ACCEPTANCE_WORDS: Readonly<Record<Acceptance, string>> = {
  Valid: 'accepted',
  Invalid: 'invalid',
  Conflicted: 'conflicted',
};
