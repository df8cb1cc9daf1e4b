import type { PolicyStatus } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Boards, Known } from './core/boards.ts';
import type { Clock } from './core/clock.ts';
import type { Fleet, Receipt } from './core/fleet.ts';
import type { Policy } from './core/policy.ts';
import type { StatusSink } from './core/sink.ts';
import { conditionOf, gathering, type StatusInput, statusOf } from './core/status.ts';

export interface JudgeOptions {
  readonly boards: Boards;
  readonly fleet: Fleet;
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
  readonly expected: number;
  status: PolicyStatus | undefined;
  /** Whether `status` was worked out here, and not only read back. */
  own: boolean;
}

/** Works out the status of policies from what the fleet counted, and tells the sink and the log what is different. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #startedAt: number;
  readonly #cases = new Map<string, Case>();
  readonly #changedAt = new Map<string, number>();
  readonly #touched = new Map<string, Set<string>>();

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** A policy is new or was edited; the time until it is programmed counts from here. */
  changed({ uid }: Policy): void {
    this.#changedAt.set(uid, this.#options.clock.now());
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

  /** The newest status of a policy. */
  status(uid: string): PolicyStatus | undefined {
    return this.#cases.get(uid)?.status;
  }

  forget({ uid }: Policy): void {
    this.#cases.delete(uid);
    this.#changedAt.delete(uid);
  }

  /** Works out the statuses of all policies that were touched. */
  decide(): void {
    const now = this.#options.clock.now();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [namespace, uids] of touched) {
      const counts = this.#options.fleet.counts(namespace, uids, now);
      for (const uid of uids) {
        const known = this.#options.boards.policy(namespace, uid);
        if (known) this.#decide(known, counts.get(uid)!, now);
      }
    }
  }

  /** Tells of what an agent reported for the first time. */
  heard(
    namespace: string,
    instance: string,
    { transitions, rejections }: Extract<Receipt, { kind: 'accepted' }>,
  ): void {
    const { log, sink, boards } = this.#options;
    for (const { breaker, uid, shadow, from, to, agoMs, reason } of transitions) {
      const policy = uid === undefined ? undefined : boards.policy(namespace, uid)?.policy;
      const facts = { namespace, policy: policy?.name, breaker, agent: instance, from, to, reason, agoMs, shadow };
      log.info(facts, `breaker ${SAID[to]}`);
      if (!policy || shadow) continue;
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

  #decide({ policy, entry }: Known, counts: StatusInput['counts'], now: number): void {
    const { boards, wallClock, sink } = this.#options;
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
      counts,
      previous: found.status,
      sameSpec,
      ageMs: now - found.seenAt,
      uptimeMs: now - this.#startedAt,
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

const SAID: Record<string, string> = {
  open: 'opened',
  closed: 'closed',
  'half-open': 'is half-open',
  Valid: 'accepted',
  Invalid: 'invalid',
  Conflicted: 'conflicted',
};
