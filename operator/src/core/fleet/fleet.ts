import { type BreakerReport, MAX_REJECTION_MESSAGE, type Report, type Totals } from '@fuseboard/schema';
import type { Snapshot } from '../delivery/snapshot.ts';
import { FairShare } from '../limits/fair-share.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { type Bounds, DEFAULT_BOUNDS, LIMITS, LimitError } from '../limits/limits.ts';
import { Outages } from '../outages/outages.ts';
import { canonicalLabels, type Labels } from '../policy/selector.ts';
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
import { addPending, takeApplied } from './pending-changes.ts';
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

/** How many snapshots an agent may lag behind before what it reports about older ones is not recognised. */
const SNAPSHOTS_KEPT = 4;

/** Different labels that are remembered to be shared: pods of one workload have the same. */
const MAX_LABELS_SHARED = 1_000;

/** A repeated transition is recognised when the two times told for it differ by less than this. */
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
      readonly rejections: readonly { readonly uid: string; readonly rejection: AgentRejection }[];
      /** How long each change took that the agent shows here to have applied, in ms. */
      readonly tookMs: readonly number[];
      /** The policies whose counts may be different now. */
      readonly touched: ReadonlySet<string>;
    };

/** Every agent of this replica, and what all of them said. Time is given with each call, in milliseconds. */
export class Fleet {
  readonly counters = new Counters();
  readonly outages: Outages;
  readonly circuits: Circuits;
  readonly #namespaces = new Map<string, Map<string, AgentRecord>>();
  readonly #states = new StateCounts();
  readonly #labels = new Map<string, Labels>();
  /** What was sent last, for the next agent that makes the same step: it holds the same list. */
  #lastSent:
    | { from: readonly Snapshot[]; revision: string | undefined; snapshot: Snapshot; to: readonly Snapshot[] }
    | undefined;
  /** By namespace, for as long as nothing changed and nobody is silent for too long: reports alone change nothing. */
  readonly #rollouts = new Map<string, { readonly rollout: Rollout; readonly until: number }>();
  /** By pod: its processes, the first known first. */
  readonly #pods = new Map<string, Set<AgentRecord>>();
  /** How many agents have each target, by namespace and revision. */
  readonly #targets = new Map<string, number>();
  readonly #bounds: Bounds;
  readonly #limits: LimitLog;
  readonly #agentShare: FairShare;
  readonly #viewShare: FairShare;
  readonly #snapshotShare: FairShare;

  /** @param date the milliseconds since 1970 at a moment of the clock of all calls; ids of outages are made of it. */
  constructor(bounds: Bounds = DEFAULT_BOUNDS, limits = new LimitLog(), date?: (at: number) => number) {
    this.outages = new Outages(date);
    this.circuits = new Circuits(this.outages);
    this.#bounds = bounds;
    this.#limits = limits;
    this.#agentShare = new FairShare({ total: bounds.agents });
    this.#viewShare = new FairShare({ total: bounds.breakers, perPod: bounds.breakersPerPod });
    this.#snapshotShare = new FairShare({ total: bounds.snapshots });
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
    const record = agent as AgentRecord;
    if (record.target !== snapshot) {
      this.#rollouts.delete(agent.identity.namespace);
      this.#holdTarget(agent.identity.namespace, snapshot);
      this.#releaseTarget(record);
    }
    record.target = snapshot;
    record.tooLarge = false;
    record.updateBehind(now);
  }

  /** What an agent should run is too large to be sent; it keeps what it has. */
  markTooLarge(agent: Agent, now: number): void {
    const record = agent as AgentRecord;
    record.tooLarge = true;
    record.updateBehind(now);
  }

  /** A change that the operator saw at `seenAt` led an agent to its target: the time until it is applied is taken. */
  expectApplied(agent: Agent, { revision }: Snapshot, seenAt: number): void {
    const record = agent as AgentRecord;
    record.pending = addPending(record.pending, { revision, seenAt });
  }

  /**
   * A snapshot is on its way to an agent, or the agent showed that it has it: it may speak of its policies from now on.
   */
  sent(agent: Agent, snapshot: Snapshot): void {
    const record = agent as AgentRecord;
    const { sent: from, revision } = record;
    const step = this.#lastSent;
    if (step?.from !== from || step.snapshot !== snapshot || step.revision !== revision) {
      const others = from.filter((one) => one.revision !== snapshot.revision);
      const kept = others.filter((one, i) => one.revision === revision || i >= others.length - SNAPSHOTS_KEPT);
      this.#lastSent = { from, revision, snapshot, to: [...kept, snapshot] };
    }
    record.sent = this.#lastSent!.to;
    if (record.revision === snapshot.revision) this.#rollouts.delete(agent.identity.namespace);
  }

  /** A snapshot with this revision that was sent to the agent lately. */
  recentlySent(agent: Agent, revision: string | undefined): Snapshot | undefined {
    return (agent as AgentRecord).sent.find((snapshot) => snapshot.revision === revision);
  }

  /** Takes a part of a report. The same part again changes nothing. */
  report({ namespace, pod }: Origin, report: Report, now: number): Receipt {
    const agent = this.#namespaces.get(namespace)?.get(agentKey(pod, report.boot));
    if (agent === undefined) return { kind: 'unknown' };
    const wasStale = now - agent.heardAt >= STALE_AFTER_MS;
    if (wasStale) this.#rollouts.delete(namespace);
    agent.heardAt = now;
    for (const circuit of agent.circuits.values()) circuit.heardAt = now;
    if (report.sequence < agent.sequence) return { kind: 'repeated' };
    if (report.sequence > agent.sequence) {
      agent.sequence = report.sequence;
      agent.parts = new Set();
      agent.pendingRejections = new Map();
      agent.pendingOverrides = new Set();
    }
    if (agent.parts.has(report.part)) return { kind: 'repeated' };
    agent.parts.add(report.part);
    const transitions = report.breakers.flatMap((breaker) => this.#takeBreaker(agent, breaker, now));
    const reportedSnapshot = agent.sent.find(({ revision }) => revision === report.revision);
    for (const { uid, field, message } of report.rejections) {
      const entry = reportedSnapshot?.entries.get(uid);
      if (!entry) continue;
      const cut = message.slice(0, MAX_REJECTION_MESSAGE);
      agent.pendingRejections.set(uid, { agent: agent.identity.instance, field, message: cut, digest: entry.digest });
    }
    if (report.overrides) {
      const known = report.overrides.filter((uid) => agent.sent.some(({ overrides }) => overrides.has(uid)));
      agent.pendingOverrides = new Set(known);
    }
    const rejections: { uid: string; rejection: AgentRejection }[] = [];
    const touched = new Set(report.breakers.flatMap(({ uid }) => uid ?? []));
    let tookMs: readonly number[] = [];
    if (agent.parts.size >= report.parts) {
      for (const [uid, rejection] of agent.pendingRejections) {
        if (agent.rejections.get(uid)?.digest !== rejection.digest) rejections.push({ uid, rejection });
      }
      const same = agent.revision === report.revision && !wasStale;
      if (!same || agent.rejections.size + agent.pendingRejections.size > 0) {
        for (const uid of agent.target?.entries.keys() ?? []) touched.add(uid);
        this.#rollouts.delete(namespace);
      }
      const appliedOverrides = agent.pendingOverrides;
      if (!same || !sameSet(appliedOverrides, agent.overrides)) {
        for (const uid of agent.target?.overrides.keys() ?? []) touched.add(uid);
      }
      agent.overrides = appliedOverrides;
      agent.revision = reportedSnapshot?.revision ?? report.revision;
      agent.updateBehind(now);
      if (report.revision !== undefined && report.appliedAgoMs !== undefined) {
        const taken = takeApplied(agent.pending, report.revision, now - report.appliedAgoMs);
        agent.pending = taken.left;
        // An agent that refused a policy holds the revision, but not all that is in it.
        if (agent.pendingRejections.size === 0) tookMs = taken.tookMs;
      }
      agent.rejections = agent.pendingRejections;
      agent.pendingRejections = new Map();
    }
    if (report.bye && agent.parts.size >= report.parts) {
      for (const uid of agent.target?.entries.keys() ?? []) touched.add(uid);
      for (const uid of agent.target?.overrides.keys() ?? []) touched.add(uid);
      this.#remove(agent);
    }
    return { kind: 'accepted', transitions, rejections, tookMs, touched };
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
  counts(namespace: string, uids: Iterable<string>, now: number): Map<string, PolicyCounts> {
    const rollout = this.#rollout(namespace, now);
    const found = new Map<string, PolicyCounts>();
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
  overrideCounts(namespace: string, uids: ReadonlySet<string>, now: number): Map<string, AgentCounts> {
    const found = new Map([...uids].map((uid) => [uid, { matched: 0, applied: 0, rejected: 0, stale: 0 }]));
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

  /**
   * Whether agents may be given one more set of policies that no agent has yet.
   *
   * @throws {LimitError} when they may not.
   */
  checkRoomFor(namespace: string, { revision }: Snapshot): void {
    if (this.#targets.has(targetKey(namespace, revision))) return;
    if (this.#snapshotShare.take(namespace, undefined) !== undefined) {
      this.#limits.reached('snapshots', { namespace });
      throw new LimitError(
        'snapshots',
        `the labels of this agent need one more set of policies, and there are ${this.#bounds.snapshots} at most; see --max-snapshots`,
      );
    }
    this.#snapshotShare.release(namespace, undefined);
  }

  #holdTarget(namespace: string, { revision }: Snapshot): void {
    const key = targetKey(namespace, revision);
    const held = this.#targets.get(key) ?? 0;
    if (held === 0) this.#snapshotShare.add(namespace, undefined);
    this.#targets.set(key, held + 1);
  }

  #releaseTarget({ target, identity: { namespace } }: AgentRecord): void {
    if (target === undefined) return;
    const key = targetKey(namespace, target.revision);
    const left = (this.#targets.get(key) ?? 0) - 1;
    if (left > 0) this.#targets.set(key, left);
    else {
      this.#targets.delete(key);
      this.#snapshotShare.release(namespace, undefined);
    }
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
      this.#releaseTarget(agent);
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
    const policy = breaker.uid === undefined ? undefined : agent.policyName(breaker.uid);
    // A policy that this agent was never sent gets no state from it; the calls still happened and are counted.
    const uid = policy === undefined ? undefined : breaker.uid;
    const keys = agent.views.get(breaker.name) ?? new Map<string, View>();
    const known = keys.get(breaker.key ?? '');
    const latency = breaker.latency ?? [];
    const circuit = this.circuits.at(namespace, uid ?? '', breaker.name, now);
    const reportedSnapshot = (breaker.transitions ?? []).map(({ from, to, reason, agoMs }) => ({
      from,
      to,
      reason,
      at: now - agoMs,
    }));
    const fresh = reportedSnapshot.slice(known === undefined ? 0 : repeated(known, breaker.base, reportedSnapshot));
    const series = this.counters.at(namespace, policy ?? '', breaker.name);
    for (const { from, to, reason, at } of fresh) {
      series.entered[to] += 1;
      if (circuit) this.circuits.changed(circuit, { at, from, to, reason, instance }, breaker.shadow ?? false);
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
        optedIn: breaker.optedIn,
        totals: breaker.totals,
        counted: breaker.base === undefined || !sameTotals(breaker.base, breaker.totals),
        latency,
        moments: reportedSnapshot,
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

const targetKey = (namespace: string, revision: string) => `${namespace} ${revision}`;

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((one) => b.has(one));

const canonical = ({ labels, service, instance }: Identity) =>
  JSON.stringify([canonicalLabels(labels), service, instance]);

const statusOf = (breaker: string, view: View | undefined): BreakerStatus | undefined =>
  view?.uid === undefined
    ? undefined
    : { uid: view.uid, breaker, state: view.state, shadow: view.shadow, optedIn: view.optedIn };

/** All keys of a breaker folded into the worst of them; what they have in common is told by the breaker itself. */
function folded(keys: ReadonlyMap<string, View>): View | undefined {
  const view = worst(keys.values());
  const own = keys.get('');
  return view === undefined || view === own ? view : { ...view, optedIn: own?.optedIn };
}

/** Whether an agent that counts from `base` is known to have the answer to the report before. */
const isAnswered = ({ counted, totals }: View, base: Totals | undefined) =>
  counted && base !== undefined && sameTotals(base, totals);

/** How many transitions at the beginning of `told` came already with the report before, whose answer was lost. */
function repeated(view: View, base: Totals | undefined, reportedSnapshot: readonly Moment[]): number {
  const before = view.moments;
  const same = (a: Moment, b: Moment) =>
    a.from === b.from && a.to === b.to && a.reason === b.reason && Math.abs(a.at - b.at) < SAME_TRANSITION_MS;
  const whole =
    before.length > 0 &&
    reportedSnapshot.length >= before.length &&
    before.every((moment, i) => same(moment, reportedSnapshot[i]!));
  return whole && !isAnswered(view, base) ? before.length : 0;
}
