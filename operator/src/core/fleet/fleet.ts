import { type BreakerReport, type Report, type Totals, TRIP_CONDITIONS } from '@fuseboard/schema';
import { SentSteps } from '../delivery/agent-delivery.ts';
import type { Snapshot } from '../delivery/snapshot.ts';
import { Targets } from '../delivery/targets.ts';
import { FairShare } from '../limits/fair-share.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { type Bounds, DEFAULT_BOUNDS, LIMITS, LimitError } from '../limits/limits.ts';
import { Outages } from '../outages/outages.ts';
import { canonicalLabels, type Labels } from '../policy/selector.ts';
import type { OverrideUid, PolicyUid, Touched } from '../uid.ts';
import {
  type Agent,
  AgentRecord,
  agentKey,
  type Identity,
  type Moment,
  type Origin,
  type View,
} from './agent-record.ts';
import { Circuits } from './circuits.ts';
import { Counters } from './counters.ts';
import type { WholeReport } from './report-assembler.ts';
import { type AgentCounts, type AgentRejection, Rollout } from './rollout.ts';
import {
  type BreakerCounts,
  type BreakerState,
  type BreakerStatus,
  type FallbackCounts,
  StateCounts,
  worst,
} from './state-counts.ts';
import { growth, latencyGrowth, NO_TOTALS, sameTotals } from './totals.ts';

/** An agent that was silent this long is stale: it is counted, and not waited for. */
export const STALE_AFTER_MS = 30_000;

/** An agent that was silent this long is not counted any more, and forgotten when it has no stream. */
export const GONE_AFTER_MS = 60_000;

/** Different labels that are remembered to be shared: pods of one workload have the same. */
const MAX_LABELS_SHARED = 1_000;

/** A repeated transition is recognised when its two reported times differ by less than this. */
const SAME_TRANSITION_MS = 2_000;

/** How many open breakers a count names. */
export const MAX_OPEN_NAMED = 3;

/** What the fleet says of one policy. */
export interface PolicyCounts {
  readonly agents: AgentCounts;
  readonly breakers: BreakerCounts;
  readonly fallback: FallbackCounts;
  /** Up to `MAX_OPEN_NAMED` open breakers as `payments on shop/pod-1`. */
  readonly open: readonly string[];
  readonly rejections: readonly AgentRejection[];
}

/** A change of state that an agent reported for the first time. */
export interface ReportedTransition {
  readonly breaker: string;
  /** The policy that governs the breaker; absent for the defaults of the code. */
  readonly uid?: string;
  readonly shadow: boolean;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly agoMs: number;
  readonly reason: string;
}

export type Receipt =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'accepted';
      readonly transitions: readonly ReportedTransition[];
      /** Refusals that this agent had not reported before. */
      readonly rejections: readonly NewRejection[];
      /** How long each change took that the agent shows here to have applied, in ms. */
      readonly tookMs: readonly number[];
      /** The policies and overrides with counts that may have changed. */
      readonly touched: Touched;
    };

interface NewRejection {
  readonly uid: PolicyUid;
  readonly rejection: AgentRejection;
}

/** Every agent of this replica, and what all of them said. Time is given with each call, in milliseconds. */
export class Fleet {
  readonly counters = new Counters();
  readonly outages: Outages;
  readonly circuits: Circuits;
  readonly #namespaces = new Map<string, Map<string, AgentRecord>>();
  readonly #states = new StateCounts();
  readonly #labels = new Map<string, Labels>();
  readonly #sentSteps = new SentSteps();
  /** By namespace, for as long as nothing changed and nobody is silent for too long: reports alone change nothing. */
  readonly #rollouts = new Map<string, { readonly rollout: Rollout; readonly until: number }>();
  /** By pod: its processes, the first known first. */
  readonly #pods = new Map<string, Set<AgentRecord>>();
  readonly #targets: Targets;
  readonly #bounds: Bounds;
  readonly #limits: LimitLog;
  readonly #agentShare: FairShare;
  readonly #viewShare: FairShare;

  /** @param date the milliseconds since 1970 at a moment of the clock of all calls; ids of outages are made of it. */
  constructor(bounds: Bounds = DEFAULT_BOUNDS, limits = new LimitLog(), date?: (at: number) => number) {
    this.outages = new Outages(date);
    this.circuits = new Circuits(this.outages);
    this.#bounds = bounds;
    this.#limits = limits;
    this.#agentShare = new FairShare({ total: bounds.agents });
    this.#viewShare = new FairShare({ total: bounds.breakers, perPod: bounds.breakersPerPod });
    this.#targets = new Targets(bounds.snapshots, limits);
  }

  /**
   * An agent opened a stream; it is known from now on.
   *
   * @throws {LimitError} when there is no room for one more.
   */
  connect(identity: Identity, now: number): Agent {
    const key = agentKey(identity.pod, identity.boot);
    let agent = this.#namespaces.get(identity.namespace)?.get(key);
    if (agent === undefined || canonical(agent.identity) !== canonical(identity)) {
      if (agent) this.#remove(agent);
      this.#takeRoom(identity);
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

  /** A stream of an agent ended. The agent stays until it is silent for too long. */
  disconnect(agent: Agent): void {
    (agent as AgentRecord).streams -= 1;
  }

  /** What an agent should run from now on. */
  setTarget(agent: Agent, snapshot: Snapshot, now: number): void {
    const { delivery, identity } = agent as AgentRecord;
    if (delivery.target !== snapshot) {
      this.#rollouts.delete(identity.namespace);
      this.#targets.hold(identity.namespace, snapshot);
      if (delivery.target) this.#targets.release(identity.namespace, delivery.target);
    }
    delivery.setTarget(snapshot, now);
  }

  /** What an agent should run is too large to be sent; it keeps what it has. */
  markTooLarge(agent: Agent, now: number): void {
    (agent as AgentRecord).delivery.markTooLarge(now);
  }

  /** A change that the operator saw at `seenAt` led an agent to its target: the time until it is applied is taken. */
  expectApplied(agent: Agent, snapshot: Snapshot, seenAt: number): void {
    (agent as AgentRecord).delivery.expectApplied(snapshot, seenAt);
  }

  /**
   * A snapshot is on its way to an agent, or the agent showed that it has it: it may speak of its policies from now on.
   */
  sent(agent: Agent, snapshot: Snapshot): void {
    const { delivery, identity } = agent as AgentRecord;
    delivery.addSent(snapshot, this.#sentSteps);
    if (delivery.revision === snapshot.revision) this.#rollouts.delete(identity.namespace);
  }

  /** A snapshot with this revision that was sent to the agent lately. */
  recentlySent(agent: Agent, revision: string | undefined): Snapshot | undefined {
    return (agent as AgentRecord).delivery.recentlySent(revision);
  }

  /**
   * Whether agents may be given one more set of policies that no agent has yet.
   *
   * @throws {LimitError} when they may not.
   */
  checkRoomFor(namespace: string, snapshot: Snapshot): void {
    this.#targets.checkRoomFor(namespace, snapshot);
  }

  /** Takes a part of a report. The same part again changes nothing. */
  report({ namespace, pod }: Origin, report: Report, now: number): Receipt {
    const agent = this.#namespaces.get(namespace)?.get(agentKey(pod, report.boot));
    if (agent === undefined) return { kind: 'unknown' };
    const wasStale = this.#hear(agent, now);
    if (!agent.reports.begin(report)) return { kind: 'repeated' };
    const transitions = report.breakers.flatMap((breaker) => this.#takeBreaker(agent, breaker, now));
    const touched = {
      policies: new Set<PolicyUid>(report.breakers.flatMap(({ uid }) => uid ?? [])),
      overrides: new Set<OverrideUid>(),
    };
    const whole = agent.reports.add(report, agent.delivery, agent.identity.instance);
    const news = whole ? this.#takeReport(agent, report, whole, wasStale, touched, now) : NO_NEWS;
    return { kind: 'accepted', transitions, ...news, touched };
  }

  /** An agent showed that it is there; returns whether it was silent for so long that it was not waited for. */
  #hear(agent: AgentRecord, now: number): boolean {
    const wasStale = now - agent.heardAt >= STALE_AFTER_MS;
    if (wasStale) this.#rollouts.delete(agent.identity.namespace);
    agent.heardAt = now;
    for (const circuit of agent.circuits.values()) circuit.heardAt = now;
    return wasStale;
  }

  /** Takes what a whole report says of the policies and overrides of its agent, and adds to `touched`. */
  #takeReport(
    agent: AgentRecord,
    { revision, appliedAgoMs, bye }: Report,
    { rejections: refused, overrides }: WholeReport,
    wasStale: boolean,
    touched: { policies: Set<PolicyUid>; overrides: Set<OverrideUid> },
    now: number,
  ): Pick<Accepted, 'rejections' | 'tookMs'> {
    const { delivery } = agent;
    const same = delivery.revision === revision && !wasStale;
    if (bye || !same || agent.rejections.size + refused.size > 0) {
      for (const uid of delivery.target?.entries.keys() ?? []) touched.policies.add(uid);
      this.#rollouts.delete(agent.identity.namespace);
    }
    if (bye || !same || !sameSet(overrides, agent.overrides)) {
      for (const uid of delivery.target?.overrides.keys() ?? []) touched.overrides.add(uid);
    }
    const rejections = [...refused]
      .filter(([uid, { digest }]) => agent.rejections.get(uid)?.digest !== digest)
      .map(([uid, rejection]) => ({ uid, rejection }));
    agent.overrides = overrides;
    agent.rejections = refused;
    // By the one that was sent: what a report says is a string of its own.
    delivery.setRevision(delivery.recentlySent(revision)?.revision ?? revision, now);
    const tookMs =
      revision === undefined || appliedAgoMs === undefined ? [] : delivery.takeApplied(revision, now - appliedAgoMs);
    if (bye) this.#remove(agent);
    // An agent that refused a policy holds the revision, but not all that is in it.
    return { rejections, tookMs: refused.size === 0 ? tookMs : [] };
  }

  /** Forgets agents that are gone. Returns the namespaces in which an agent became stale or gone since `before`. */
  sweep(before: number, now: number): Set<string> {
    const touched = new Set<string>();
    for (const [namespace, agents] of this.#namespaces) {
      for (const agent of agents.values()) {
        for (const limit of [STALE_AFTER_MS, GONE_AFTER_MS]) {
          if (now - agent.heardAt >= limit && before - agent.heardAt < limit) touched.add(namespace);
        }
        if (now - agent.heardAt < GONE_AFTER_MS) {
          if (this.#forgetKeys(agent, now)) touched.add(namespace);
          continue;
        }
        if (agent.streams === 0) this.#remove(agent);
        else this.#forgetBreakers(agent);
      }
    }
    return touched;
  }

  /** What is counted for each policy of a namespace that an agent should have. */
  counts(namespace: string, uids: Iterable<PolicyUid>, now: number): Map<PolicyUid, PolicyCounts> {
    const rollout = this.#rollout(namespace, now);
    const found = new Map<PolicyUid, PolicyCounts>();
    for (const uid of uids) {
      found.set(uid, {
        agents: rollout.agents(uid),
        breakers: this.#states.counts(uid),
        fallback: this.#states.fallback(uid),
        open: this.#states.open(uid, MAX_OPEN_NAMED),
        rejections: rollout.rejections(uid),
      });
    }
    return found;
  }

  /** Which agents should apply each override of a namespace, and which report that they do. */
  overrideCounts(namespace: string, uids: ReadonlySet<OverrideUid>, now: number): Map<OverrideUid, AgentCounts> {
    const found = new Map<OverrideUid, AgentCounts>(
      [...uids].map((uid) => [uid, { matched: 0, applied: 0, rejected: 0, stale: 0 }]),
    );
    for (const { heardAt, target, overrides } of this.#namespaces.get(namespace)?.values() ?? []) {
      if (now - heardAt >= GONE_AFTER_MS || !target) continue;
      for (const uid of target.overrides.keys()) {
        const counts = found.get(uid);
        if (!counts) continue;
        counts.matched += 1;
        if (now - heardAt >= STALE_AFTER_MS) counts.stale += 1;
        else if (overrides.has(uid)) counts.applied += 1;
      }
    }
    return found;
  }

  /** The states of the breakers of a policy over all agents, by name. */
  breakers(uid: string): ReadonlyMap<string, BreakerCounts> {
    return this.#states.named(uid);
  }

  /** Every agent of a namespace, or of all. */
  *agents(namespace?: string): Generator<Agent> {
    if (namespace !== undefined) yield* this.#namespaces.get(namespace)?.values() ?? [];
    else for (const agents of this.#namespaces.values()) yield* agents.values();
  }

  /** Agents with the same labels hold the same object. */
  #sharedLabels(labels: Labels): Labels {
    const key = canonicalLabels(labels);
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    if (this.#labels.size >= MAX_LABELS_SHARED) this.#labels.clear();
    this.#labels.set(key, labels);
    return labels;
  }

  /** Takes the place of one more agent; of a pod with too many, the oldest that has no stream makes room. */
  #takeRoom({ namespace, pod }: Identity): void {
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
    for (const { heardAt, target, applied, rejections } of this.#namespaces.get(namespace)?.values() ?? []) {
      if (now - heardAt >= GONE_AFTER_MS || !target) continue;
      const stale = now - heardAt >= STALE_AFTER_MS;
      rollout.add(target, applied, stale, rejections);
      until = Math.min(until, heardAt + (stale ? GONE_AFTER_MS : STALE_AFTER_MS));
    }
    rollout.countAll();
    this.#rollouts.set(namespace, { rollout, until });
    return rollout;
  }

  #remove(agent: AgentRecord): void {
    const { namespace, pod, boot } = agent.identity;
    this.#rollouts.delete(namespace);
    this.#forgetBreakers(agent);
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

  #forgetBreakers(agent: AgentRecord): void {
    for (const [name, keys] of agent.views) this.#replaceState(agent, name, folded(keys), undefined);
    this.#viewShare.release(agent.identity.namespace, agent.identity.pod, agent.viewCount);
    agent.forgetBreakers();
  }

  /**
   * Forgets keys that are no longer told of: an agent repeats those whose circuit is not closed. Says whether one of
   * them was open.
   */
  #forgetKeys(agent: AgentRecord, now: number): boolean {
    let wasOpen = false;
    for (const [name, keys] of agent.views) {
      const before = folded(keys);
      for (const [key, view] of keys) {
        if (key === '' || now - view.heardAt < GONE_AFTER_MS) continue;
        keys.delete(key);
        agent.viewCount -= 1;
        this.#viewShare.release(agent.identity.namespace, agent.identity.pod);
      }
      if (keys.size === 0) agent.views.delete(name);
      const after = folded(keys);
      if (before?.state === after?.state) continue;
      wasOpen = true;
      this.#replaceState(agent, name, before, after);
    }
    return wasOpen;
  }

  #takeBreaker(agent: AgentRecord, breaker: BreakerReport, now: number): ReportedTransition[] {
    const { namespace, instance } = agent.identity;
    const policy = breaker.uid === undefined ? undefined : agent.delivery.policyName(breaker.uid);
    // A policy that this agent was never sent gets no state from it; the calls still happened and are counted.
    const uid = policy === undefined ? undefined : breaker.uid;
    const keys = agent.views.get(breaker.name) ?? new Map<string, View>();
    const known = keys.get(breaker.key ?? '');
    const latency = breaker.latency ?? [];
    const circuit = this.circuits.at(namespace, uid ?? '', breaker.name, now);
    const reported = (breaker.transitions ?? []).map(({ from, to, reason, agoMs }) => ({
      from,
      to,
      reason,
      at: now - agoMs,
    }));
    const fresh = reported.slice(known === undefined ? 0 : repeated(known, breaker.base, reported));
    const series = this.counters.at(namespace, policy ?? '', breaker.name);
    for (const { from, to, reason, at } of fresh) {
      series.entered[to] += 1;
      const change = { at, from, to, reason, instance };
      if (circuit) this.circuits.changed(circuit, change, breaker.shadow ?? false, openingError(reason, breaker));
    }

    // What the circuits of keys count is in what their breaker counts.
    if (breaker.key === undefined) {
      const told = growth(known?.totals ?? breaker.base ?? NO_TOTALS, breaker.totals);
      const toldSlower = latencyGrowth(known?.latency ?? breaker.baseLatency ?? [], latency);
      const most = Math.max(...Object.values(told), ...toldSlower);
      const sound = most <= LIMITS['calls-of-report'].value;
      if (!sound)
        this.#limits.reached('calls-of-report', { namespace, pod: agent.identity.pod, breaker: breaker.name });
      const counted = sound ? told : NO_TOTALS;
      const slower = sound ? toldSlower : [];
      this.counters.add(namespace, policy ?? '', breaker.name, counted, slower);
      if (circuit) this.circuits.count(circuit, counted, slower, now);
    }

    if (known || this.#takeView(agent)) {
      if (!known) agent.viewCount += 1;
      const before = folded(keys);
      const shadow = breaker.shadow ?? false;
      keys.set(breaker.key ?? '', {
        uid,
        state: breaker.state,
        shadow,
        since: now - breaker.since,
        override: breaker.override,
        ...(breaker.lastError !== undefined && { lastError: breaker.lastError }),
        optedIn: breaker.optedIn,
        totals: breaker.totals,
        counted: breaker.base === undefined || !sameTotals(breaker.base, breaker.totals),
        latency,
        moments: reported,
        heardAt: now,
      });
      agent.views.set(breaker.name, keys);
      this.#replaceState(agent, breaker.name, before, folded(keys));
    }
    return fresh.map(({ from, to, reason, at }) => ({
      breaker: breaker.name,
      ...(uid !== undefined && { uid }),
      shadow: breaker.shadow ?? false,
      from,
      to,
      agoMs: now - at,
      reason,
    }));
  }

  /** Whether there is room for one more breaker of an agent. */
  #takeView({ viewCount, identity: { namespace, pod } }: AgentRecord): boolean {
    if (viewCount >= LIMITS['breakers-of-agent'].value) {
      this.#limits.reached('breakers-of-agent', { namespace, pod });
      return false;
    }
    const full = this.#viewShare.take(namespace, pod);
    if (full !== undefined) this.#limits.reached(full === 'pod' ? 'breakers-of-pod' : 'breakers', { namespace, pod });
    return full === undefined;
  }

  /** The breaker of an agent is in another state, or is not there any more. */
  #replaceState(agent: AgentRecord, name: string, before: View | undefined, after: View | undefined): void {
    const { namespace, pod, boot, instance, service } = agent.identity;
    const key = agentKey(pod, boot);
    const owner = { key, instance, service };
    this.#states.replace(`${key}/${name}`, `${name} on ${instance}`, statusOf(name, before), statusOf(name, after));
    const was = agent.circuits.get(name);
    const is = after && this.circuits.at(namespace, after.uid ?? '', name, agent.heardAt);
    if (was && was !== is) this.circuits.setState(was, owner, before, undefined, agent.heardAt);
    if (is) {
      this.circuits.setState(is, owner, was === is ? before : undefined, after, agent.heardAt);
      agent.circuits.set(name, is);
    } else agent.circuits.delete(name);
  }
}

type Accepted = Extract<Receipt, { kind: 'accepted' }>;

const NO_NEWS: Pick<Accepted, 'rejections' | 'tookMs'> = { rejections: [], tookMs: [] };

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((one) => b.has(one));

const canonical = ({ labels, service, instance }: Identity) =>
  JSON.stringify([canonicalLabels(labels), service, instance]);

const statusOf = (breaker: string, view: View | undefined): BreakerStatus | undefined =>
  view?.uid === undefined
    ? undefined
    : { uid: view.uid, breaker, state: view.state, shadow: view.shadow, optedIn: view.optedIn };

/** All keys of a breaker as one, in their worst state; the breaker's own entry has what they share. */
function folded(keys: ReadonlyMap<string, View>): View | undefined {
  const view = worst(keys.values());
  const own = keys.get('');
  return view === undefined || view === own ? view : { ...view, optedIn: own?.optedIn };
}

/** Whether `base` proves that the agent received the answer to its previous report. */
const isAnswered = ({ counted, totals }: View, base: Totals | undefined) =>
  counted && base !== undefined && sameTotals(base, totals);

/** How many transitions at the start of `reported` were already in the previous report, because its answer was lost. */
function repeated(view: View, base: Totals | undefined, reported: readonly Moment[]): number {
  const before = view.moments;
  const same = (a: Moment, b: Moment) =>
    a.from === b.from && a.to === b.to && a.reason === b.reason && Math.abs(a.at - b.at) < SAME_TRANSITION_MS;
  const whole =
    before.length > 0 && reported.length >= before.length && before.every((moment, i) => same(moment, reported[i]!));
  return whole && !isAnswered(view, base) ? before.length : 0;
}

/**
 * The reasons of an opening that failures caused. Without `probe-failed`: that opening continues an outage, whose cause
 * is known already.
 */
const BY_FAILURES: ReadonlySet<string> = new Set(
  TRIP_CONDITIONS.filter(({ measures }) => measures !== 'slow').map(({ reason }) => reason),
);

/** The failure that opened a circuit, where failures did. */
function openingError(reason: string, { lastError }: BreakerReport): string | undefined {
  return lastError && BY_FAILURES.has(reason) ? `${lastError.name}: ${lastError.message}` : undefined;
}
