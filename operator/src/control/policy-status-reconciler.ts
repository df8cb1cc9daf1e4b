import type { PolicyStatus } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { Boards, Known } from '../core/delivery/snapshots.ts';
import type { Fleet, PolicyCounts, Receipt } from '../core/fleet/fleet.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { AggregateChange, Aggregates } from '../core/replication/aggregates.ts';
import { conditionOf, gathering, type StatusInput, statusOf } from '../core/status/policy-status.ts';
import type { Replicas } from '../ports/replicas.ts';
import type { StatusSink } from '../ports/status-sink.ts';

export interface JudgeOptions {
  readonly boards: Boards;
  readonly fleet: Fleet;
  readonly aggregates: Aggregates;
  readonly replicas: Pick<Replicas, 'leading' | 'publish'>;
  readonly sink: StatusSink;
  readonly log: Logger;
  readonly clock: Clock;
  readonly wallClock: () => number;
}

interface Case {
  readonly namespace: string;
  /** The version of the spec that `status` speaks of. */
  digest: string;
  seenAt: number;
  expected: number;
  status: PolicyStatus | undefined;
  /** Whether `status` was worked out here, and not only read back. */
  own: boolean;
}

/**
 * Counts what the fleet of this replica makes of each policy; on the leader, works out the status of policies from what all
 * replicas count, and tells the sink and the log what is different.
 */
export class Judge {
  readonly #options: JudgeOptions;
  /** When agents were last known to be on their way here. */
  #gatheringSince: number;
  readonly #cases = new Map<string, Case>();
  readonly #changedAt = new Map<string, number>();
  readonly #touched = new Map<string, Set<string>>();

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#gatheringSince = options.clock.now();
  }

  /** A policy is new or was edited; the time until it is programmed counts from here. */
  changed({ uid }: Policy): void {
    this.#changedAt.set(uid, this.#options.clock.now());
  }

  /** This replica leads from now on: what was written by the leader before it is where it begins. */
  lead(): void {
    this.#cases.clear();
  }

  /** A replica left: statuses stay as they are until as many agents as before are back, or the time for that is over. */
  gather(): void {
    this.#gatheringSince = this.#options.clock.now();
    for (const found of this.#cases.values()) {
      found.own = false;
      found.expected = found.status?.agents?.matched ?? 0;
    }
  }

  /** Something about these policies may be different. */
  touch(namespace: string, uids: Iterable<string>): void {
    const touched = this.#touched.get(namespace) ?? new Set();
    for (const uid of uids) touched.add(uid);
    this.#touched.set(namespace, touched);
  }

  /** Policies whose status changes by the mere passing of time. */
  waiting(): Map<string, string[]> {
    const waiting = new Map<string, string[]>();
    for (const [uid, { namespace, own, status }] of this.#cases) {
      if (own && conditionOf(status, 'Programmed')?.status !== 'Unknown') continue;
      const uids = waiting.get(namespace) ?? [];
      uids.push(uid);
      waiting.set(namespace, uids);
    }
    return waiting;
  }

  /** The newest status of a policy; on a replica that does not lead, what the leader wrote. */
  status({ uid, status }: Policy): PolicyStatus | undefined {
    return this.#options.replicas.leading ? (this.#cases.get(uid)?.status ?? status) : status;
  }

  /** What the agents of this replica make of a policy. */
  counts(uid: string): PolicyCounts | undefined {
    return this.#options.aggregates.own(uid)?.counts;
  }

  forget(policy: Policy): void {
    const { aggregates, replicas, sink } = this.#options;
    const { uid } = policy;
    this.#cases.delete(uid);
    this.#changedAt.delete(uid);
    aggregates.drop(uid);
    replicas.publish(uid);
    sink.forget(policy);
  }

  /** Counts anew for all policies that were touched, and works out their statuses on the leader. */
  decide(): void {
    const { boards, fleet, aggregates, replicas, clock } = this.#options;
    const now = clock.now();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [namespace, uids] of touched) {
      const counts = fleet.counts(namespace, uids, now);
      for (const uid of uids) {
        const known = boards.policy(namespace, uid);
        if (!known) continue;
        const { generation, digest } = known.entry;
        if (aggregates.count({ uid, generation, digest, counts: counts.get(uid)! })) replicas.publish(uid);
        if (replicas.leading) this.#decide(known, now);
      }
    }
  }

  /** Tells of what changed on the agents of another replica, which told its own log of each. */
  elsewhere({ uid, before, after }: AggregateChange): void {
    const { boards, sink, replicas } = this.#options;
    const policy = boards.find(uid)?.policy;
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

  /** Tells of what an agent reported for the first time. */
  heard(
    namespace: string,
    instance: string,
    { transitions, rejections }: Extract<Receipt, { kind: 'accepted' }>,
  ): void {
    const { log, sink, boards, replicas } = this.#options;
    for (const { breaker, uid, shadow, from, to, agoMs, reason } of transitions) {
      const policy = uid === undefined ? undefined : boards.policy(namespace, uid)?.policy;
      const facts = { namespace, policy: policy?.name, breaker, agent: instance, from, to, reason, agoMs, shadow };
      log.info(facts, `breaker ${SAID[to]}`);
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
      const policy = boards.policy(namespace, uid)?.policy;
      log.warn(
        { namespace, policy: policy?.name, ...rejection, message: undefined, detail: rejection.message },
        'agent rejected a policy',
      );
    }
  }

  #decide({ policy, entry }: Known, now: number): void {
    const { boards, aggregates, wallClock, sink } = this.#options;
    const changedAt = this.#changedAt.get(policy.uid) ?? now;
    let found = this.#cases.get(policy.uid);
    if (!found) {
      const written = policy.generation > 0 && policy.status?.observedGeneration === policy.generation;
      const digest = written ? entry.digest : '';
      const expected = policy.status?.agents?.matched ?? 0;
      found = { namespace: policy.namespace, digest, seenAt: changedAt, expected, status: policy.status, own: false };
      this.#cases.set(policy.uid, found);
    }
    const sameSpec = found.digest === entry.digest;
    if (!sameSpec) found.seenAt = changedAt;
    const input: StatusInput = {
      generation: policy.generation,
      problems: policy.problems,
      standing: boards.standing(policy),
      ...aggregates.merged(policy.uid, entry.digest),
      previous: found.status,
      sameSpec,
      ageMs: now - found.seenAt,
      uptimeMs: now - this.#gatheringSince,
      expected: found.expected,
      now: wallClock(),
    };
    const status = statusOf(input);
    const before = found.status;
    const reason = conditionOf(before, 'Accepted')?.reason;
    const settled = sameSpec && !found.own && reason === conditionOf(status, 'Accepted')?.reason;
    if (settled && gathering(input)) return;
    found.digest = entry.digest;
    found.own = true;
    found.status = status;
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    sink.write(policy, status);
    this.#tell(policy, before, status, sameSpec, now - found.seenAt);
  }

  #tell(
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
      log[fine ? 'info' : 'warn']({ ...facts, detail: accepted.message }, `policy ${SAID[accepted.reason]}`);
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

const SAID: Record<string, string> = {
  open: 'opened',
  closed: 'closed',
  'half-open': 'is half-open',
  Valid: 'accepted',
  Invalid: 'invalid',
  Conflicted: 'conflicted',
};
