import type { Report } from '@fuseboard/schema';
import { SentSteps } from '../delivery/agent-delivery.ts';
import type { Snapshot } from '../delivery/snapshot.ts';
import { Targets } from '../delivery/targets.ts';
import { CACHE_LIMITS } from '../limits/cache-limits.ts';
import { FairShare } from '../limits/fair-share.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { type Bounds, DEFAULT_BOUNDS, LimitError } from '../limits/limits.ts';
import { Outages } from '../outages/outages.ts';
import { canonicalLabels, type Labels } from '../policy/selector.ts';
import type { OverrideUid, PolicyUid, Touched } from '../uid.ts';
import { type Agent, AgentRecord, agentKey, type Identity, type Origin } from './agent-record.ts';
import { BreakerReports, type ReportedTransition } from './breaker-reports.ts';
import { Counters } from './counters.ts';
import { FleetBreakers } from './fleet-breakers.ts';
import type { Guarded, WholeReport } from './report-assembler.ts';
import { type AgentCounts, type AgentRejection, Rollout } from './rollout.ts';
import type { BreakerCounts, FallbackCounts } from './state-counts.ts';

/** An agent without a report for this long is stale: it is counted, but the rollout does not wait for it. */
export const STALE_AFTER_MS = 30_000;

/** An agent without a report for this long is no longer counted. It is removed when it has no stream. */
export const GONE_AFTER_MS = 60_000;

/** The pods of one workload have equal labels. */
const MAX_LABELS_SHARED = CACHE_LIMITS['shared-labels'].entries;

/** Maximum number of open breakers that a count names. */
export const MAX_OPEN_NAMED = 3;

/** The counts of one policy over the agents of this replica. */
export interface PolicyCounts {
  readonly agents: AgentCounts;
  readonly breakers: BreakerCounts;
  readonly fallback: FallbackCounts;
  /** Up to `MAX_OPEN_NAMED` open breakers, such as `payments on shop/pod-1`. */
  readonly open: readonly string[];
  readonly rejections: readonly AgentRejection[];
}

export type Receipt =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'accepted';
      readonly transitions: readonly ReportedTransition[];
      /** Rejections that the agent had not reported before. */
      readonly rejections: readonly NewRejection[];
      /** The propagation time of each change that this report confirms, in ms. */
      readonly tookMs: readonly number[];
      /** The policies and overrides whose counts may have changed. */
      readonly touched: Touched;
    };

interface NewRejection {
  readonly uid: PolicyUid;
  readonly rejection: AgentRejection;
}

/** All agents of this replica and the content of their reports. Each call gets the time, in milliseconds. */
export class Fleet {
  readonly counters: Counters;
  readonly outages: Outages;
  readonly fleetBreakers: FleetBreakers;
  readonly #namespaces = new Map<string, Map<string, AgentRecord>>();
  readonly #breakers: BreakerReports;
  readonly #labels = new Map<string, Labels>();
  readonly #sentSteps = new SentSteps();
  /**
   * Cached rollouts by namespace. A cache entry is valid until an agent changes state, or until `until`, when one
   * becomes stale.
   */
  readonly #rollouts = new Map<string, { readonly rollout: Rollout; readonly until: number }>();
  /** The processes of each pod, in the order in which they connected. */
  readonly #pods = new Map<string, Set<AgentRecord>>();
  readonly #targets: Targets;
  readonly #bounds: Bounds;
  readonly #limits: LimitLog;
  readonly #agentShare: FairShare;

  /** @param date converts a time of this clock to milliseconds since 1970, for the ids of outages. */
  constructor(bounds: Bounds = DEFAULT_BOUNDS, limits = new LimitLog(), date?: (at: number) => number) {
    this.counters = new Counters(limits);
    this.outages = new Outages(date, limits);
    this.fleetBreakers = new FleetBreakers(this.outages, limits);
    this.#breakers = new BreakerReports(bounds, limits, this.counters, this.fleetBreakers);
    this.#bounds = bounds;
    this.#limits = limits;
    this.#agentShare = new FairShare({ total: bounds.agents });
    this.#targets = new Targets(bounds.snapshots, limits);
  }

  /**
   * Registers a new stream of an agent, and the agent when it is new.
   *
   * @throws {LimitError} when there is no room for another agent.
   */
  connect(identity: Identity, now: number): Agent {
    const key = agentKey(identity.pod, identity.boot);
    let agent = this.#namespaces.get(identity.namespace)?.get(key);
    if (agent === undefined || canonical(agent.identity) !== canonical(identity)) {
      if (agent) this.#remove(agent);
      this.#reservePlace(identity);
      agent = new AgentRecord({ ...identity, labels: this.#sharedLabels(identity.labels) }, now);
      const agents = this.#namespaces.get(identity.namespace) ?? new Map<string, AgentRecord>();
      this.#namespaces.set(identity.namespace, agents.set(key, agent));
      if (identity.pod !== undefined) {
        this.#pods.set(identity.pod, (this.#pods.get(identity.pod) ?? new Set()).add(agent));
      }
    }
    agent.streams += 1;
    return agent;
  }

  /** Removes a stream of an agent. The agent itself stays until it has been silent for `GONE_AFTER_MS`. */
  disconnect(agent: Agent): void {
    (agent as AgentRecord).streams -= 1;
  }

  /** Sets the snapshot that an agent should run. */
  setTarget(agent: Agent, snapshot: Snapshot, now: number): void {
    const { delivery, identity } = agent as AgentRecord;
    if (delivery.target !== snapshot) {
      this.#rollouts.delete(identity.namespace);
      this.#targets.hold(identity.namespace, snapshot);
      if (delivery.target) this.#targets.release(identity.namespace, delivery.target);
    }
    delivery.setTarget(snapshot, now);
  }

  /** Records that the newest snapshot for an agent is too large to be sent. The agent keeps its target. */
  markTooLarge(agent: Agent, now: number): void {
    (agent as AgentRecord).delivery.markTooLarge(now);
  }

  /** Starts to measure the time until an agent applies its target, from `seenAt`, when the operator saw the change. */
  expectApplied(agent: Agent, snapshot: Snapshot, seenAt: number): void {
    (agent as AgentRecord).delivery.expectApplied(snapshot, seenAt);
  }

  /**
   * Records a snapshot that is being sent to an agent, or that the agent has confirmed. From now on, its reports may
   * refer to the policies of this snapshot.
   */
  sent(agent: Agent, snapshot: Snapshot): void {
    const { delivery, identity } = agent as AgentRecord;
    delivery.addSent(snapshot, this.#sentSteps);
    if (delivery.revision === snapshot.revision) this.#rollouts.delete(identity.namespace);
  }

  /** The recently sent snapshot of an agent with this revision. */
  recentlySent(agent: Agent, revision: string | undefined): Snapshot | undefined {
    return (agent as AgentRecord).delivery.recentlySent(revision);
  }

  /**
   * Checks that there is room for one more distinct target.
   *
   * @throws {LimitError} when there is none.
   */
  checkRoomFor(namespace: string, snapshot: Snapshot): void {
    this.#targets.checkRoomFor(namespace, snapshot);
  }

  /** Processes a part of a report. A repeated part has no effect. */
  report({ namespace, pod }: Origin, report: Report, now: number): Receipt {
    const agent = this.#namespaces.get(namespace)?.get(agentKey(pod, report.boot));
    if (agent === undefined) return { kind: 'unknown' };
    const wasStale = this.#hear(agent, now);
    if (!agent.reports.begin(report)) return { kind: 'repeated' };
    const transitions = this.#breakers.take(agent, report.breakers, now);
    const touched = {
      // Only policies that were sent to the agent: a report can name any uid, even one of another namespace.
      policies: new Set<PolicyUid>(
        report.breakers.flatMap(({ uid }) =>
          uid !== undefined && agent.delivery.policyName(uid) !== undefined ? [uid] : [],
        ),
      ),
      overrides: new Set<OverrideUid>(),
    };
    const whole = agent.reports.add(report, agent.delivery, agent.identity.instance);
    const counted = whole ? this.#applyReport(agent, report, whole, wasStale, touched, now) : NOTHING_COUNTED;
    return { kind: 'accepted', transitions, ...counted, touched };
  }

  /** Records a sign of life of an agent; returns whether the agent was stale. */
  #hear(agent: AgentRecord, now: number): boolean {
    const wasStale = now - agent.heardAt >= STALE_AFTER_MS;
    if (wasStale) this.#rollouts.delete(agent.identity.namespace);
    agent.heardAt = now;
    for (const fleetBreaker of agent.fleetBreakers.values()) fleetBreaker.heardAt = now;
    return wasStale;
  }

  /**
   * Applies the rejections, overrides and limits of a complete report, and adds the affected policies and overrides to
   * `touched`.
   */
  #applyReport(
    agent: AgentRecord,
    { revision, appliedAgoMs, bye }: Report,
    { rejections: refused, overrides, guarded }: WholeReport,
    wasStale: boolean,
    touched: { policies: Set<PolicyUid>; overrides: Set<OverrideUid> },
    now: number,
  ): Pick<Accepted, 'rejections' | 'tookMs'> {
    const { delivery } = agent;
    const same = delivery.revision === revision && !wasStale;
    const sameGuard = sameGuarded(guarded, agent.guarded);
    if (bye || !same || !sameGuard || agent.rejections.size + refused.size > 0) {
      for (const uid of delivery.target?.entries.keys() ?? []) touched.policies.add(uid);
      this.#rollouts.delete(agent.identity.namespace);
    }
    if (bye || !same || !sameGuard || !sameSet(overrides, agent.overrides)) {
      for (const uid of delivery.target?.overrides.keys() ?? []) touched.overrides.add(uid);
    }
    const rejections = [...refused]
      .filter(([uid, { digest }]) => agent.rejections.get(uid)?.digest !== digest)
      .map(([uid, rejection]) => ({ uid, rejection }));
    agent.overrides = overrides;
    agent.guarded = guarded;
    agent.rejections = refused;
    // The string of the sent snapshot is stored, because each report has its own copy of the revision.
    delivery.setRevision(delivery.recentlySent(revision)?.revision ?? revision, now);
    const tookMs =
      revision === undefined || appliedAgoMs === undefined ? [] : delivery.recordApplied(revision, now - appliedAgoMs);
    if (bye) this.#remove(agent);
    // An agent that rejected a policy has the revision, but not all of its policies, so no propagation time is
    // measured.
    return { rejections, tookMs: refused.size === 0 ? tookMs : [] };
  }

  /** Removes agents that are gone. Returns the namespaces in which an agent became stale or gone since `before`. */
  sweep(before: number, now: number): Set<string> {
    const touched = new Set<string>();
    for (const [namespace, agents] of this.#namespaces) {
      for (const agent of agents.values()) {
        for (const limit of [STALE_AFTER_MS, GONE_AFTER_MS]) {
          if (now - agent.heardAt >= limit && before - agent.heardAt < limit) touched.add(namespace);
        }
        if (now - agent.heardAt < GONE_AFTER_MS) {
          if (this.#breakers.forgetKeys(agent, now - GONE_AFTER_MS)) touched.add(namespace);
          continue;
        }
        if (agent.streams === 0) this.#remove(agent);
        else this.#breakers.forget(agent);
      }
    }
    return touched;
  }

  /** The counts of each of these policies of a namespace. */
  counts(namespace: string, uids: Iterable<PolicyUid>, now: number): Map<PolicyUid, PolicyCounts> {
    const rollout = this.#rollout(namespace, now);
    const found = new Map<PolicyUid, PolicyCounts>();
    for (const uid of uids) {
      found.set(uid, {
        agents: rollout.agents(uid),
        breakers: this.#breakers.states.counts(uid),
        fallback: this.#breakers.states.fallback(uid),
        open: this.#breakers.states.open(uid, MAX_OPEN_NAMED),
        rejections: rollout.rejections(uid),
      });
    }
    return found;
  }

  /**
   * For each override of a namespace, the number of agents that should apply it and of those that report it as applied.
   */
  overrideCounts(namespace: string, uids: ReadonlySet<OverrideUid>, now: number): Map<OverrideUid, AgentCounts> {
    const found = new Map<OverrideUid, AgentCounts>(
      [...uids].map((uid) => [uid, { matched: 0, applied: 0, rejected: 0, stale: 0 }]),
    );
    for (const { heardAt, target, overrides, guarded } of this.#namespaces.get(namespace)?.values() ?? []) {
      if (now - heardAt >= GONE_AFTER_MS || !target) continue;
      for (const uid of target.overrides.keys()) {
        const counts = found.get(uid);
        if (!counts) continue;
        counts.matched += 1;
        if (now - heardAt >= STALE_AFTER_MS) {
          counts.stale += 1;
          continue;
        }
        if (overrides.has(uid)) counts.applied += 1;
        if (guarded.has(uid)) counts.guarded = (counts.guarded ?? 0) + 1;
      }
    }
    return found;
  }

  /** The states of the breakers of a policy over all agents, by breaker name. */
  breakers(uid: string): ReadonlyMap<string, BreakerCounts> {
    return this.#breakers.states.named(uid);
  }

  /** Every agent of a namespace, or of all namespaces when it is absent. */
  *agents(namespace?: string): Generator<Agent> {
    if (namespace !== undefined) yield* this.#namespaces.get(namespace)?.values() ?? [];
    else for (const agents of this.#namespaces.values()) yield* agents.values();
  }

  /** Returns one shared object for equal labels, to save memory. */
  #sharedLabels(labels: Labels): Labels {
    const key = canonicalLabels(labels);
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    if (this.#labels.size >= MAX_LABELS_SHARED) this.#labels.clear();
    this.#labels.set(key, labels);
    return labels;
  }

  /** Takes a place for a new agent. When its pod has too many agents, the oldest one without a stream is removed. */
  #reservePlace({ namespace, pod }: Identity): void {
    const { agentsPerPod, agents } = this.#bounds;
    const ofPod = pod === undefined ? undefined : this.#pods.get(pod);
    if (ofPod !== undefined && ofPod.size >= agentsPerPod) {
      this.#limits.reached('agents-of-pod', { namespace, pod });
      const idle = [...ofPod].find(({ streams }) => streams === 0);
      if (idle === undefined) {
        throw new LimitError(
          'agents-of-pod',
          `the pod has ${agentsPerPod} processes already; see --max-agents-per-pod`,
        );
      }
      this.#remove(idle);
    }
    if (this.#agentShare.take(namespace, pod) === undefined) return;
    this.#limits.reached('agents', { namespace, pod });
    throw new LimitError(
      'agents',
      `the pod and its namespace have their share of the ${agents} processes that are remembered; see --max-agents`,
    );
  }

  #rollout(namespace: string, now: number): Rollout {
    const known = this.#rollouts.get(namespace);
    if (known && now < known.until) return known.rollout;
    const rollout = new Rollout();
    let until = Number.POSITIVE_INFINITY;
    for (const { heardAt, target, applied, rejections, guarded } of this.#namespaces.get(namespace)?.values() ?? []) {
      if (now - heardAt >= GONE_AFTER_MS || !target) continue;
      const stale = now - heardAt >= STALE_AFTER_MS;
      rollout.add(target, applied, stale, rejections, guarded);
      until = Math.min(until, heardAt + (stale ? GONE_AFTER_MS : STALE_AFTER_MS));
    }
    rollout.countAll();
    this.#rollouts.set(namespace, { rollout, until });
    return rollout;
  }

  #remove(agent: AgentRecord): void {
    const { namespace, pod, boot } = agent.identity;
    this.#rollouts.delete(namespace);
    this.#breakers.forget(agent);
    const agents = this.#namespaces.get(namespace);
    const key = agentKey(pod, boot);
    if (agents?.get(key) === agent) {
      agents.delete(key);
      this.#agentShare.release(namespace, pod);
      if (agent.target) this.#targets.release(namespace, agent.target);
      const ofPod = pod === undefined ? undefined : this.#pods.get(pod);
      ofPod?.delete(agent);
      if (ofPod?.size === 0) this.#pods.delete(pod!);
    }
    if (agents?.size === 0) this.#namespaces.delete(namespace);
  }
}

type Accepted = Extract<Receipt, { kind: 'accepted' }>;

const NOTHING_COUNTED: Pick<Accepted, 'rejections' | 'tookMs'> = { rejections: [], tookMs: [] };

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((one) => b.has(one));

const sameGuarded = (a: Guarded, b: Guarded) =>
  a.size === b.size && (a.size === 0 || JSON.stringify([...a]) === JSON.stringify([...b]));

const canonical = ({ labels, service, instance, language, version, runtime }: Identity) =>
  JSON.stringify([canonicalLabels(labels), service, instance, language, version, runtime]);
