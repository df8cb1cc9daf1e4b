import { type BreakerReport, MAX_REJECTION_MESSAGE, MAX_REJECTIONS, type Report, type Totals } from '@fuseboard/schema';
import type { Board } from './board.ts';
import { Counters } from './counters.ts';
import type { Labels } from './selector.ts';
import { type BreakerCounts, type BreakerState, type Standing, Tally, worst } from './tally.ts';
import { growth, latencyGrowth, NO_TOTALS } from './totals.ts';

/** An agent that was silent this long is stale: it is counted, and not waited for. */
export const STALE_AFTER_MS = 30_000;

/** An agent that was silent this long is not counted any more, and forgotten when it has no stream. */
export const GONE_AFTER_MS = 60_000;

/** What is remembered of one agent's breakers; further ones are counted and not shown. */
const MAX_BREAKERS_PER_AGENT = 2_000;

/** How many boards an agent may lag behind before what it reports about older ones is not recognised. */
const BOARDS_KEPT = 4;

/** A repeated transition is recognised when the two times told for it differ by less than this. */
const SAME_TRANSITION_MS = 2_000;

export interface Identity {
  readonly namespace: string;
  /** 128 random bits for each process. */
  readonly boot: string;
  readonly service: string;
  readonly instance: string;
  readonly labels: Labels;
}

/** One agent as the fleet knows it. Only the fleet changes it. */
export interface Agent {
  readonly identity: Identity;
  readonly streams: number;
  readonly heardAt: number;
  /** What it should run. */
  readonly target: Board | undefined;
  /** What it says it runs, when that is something it was sent. */
  readonly applied: Board | undefined;
  readonly breakers: readonly { name: string; uid: string; state: BreakerState; shadow: boolean; totals: Totals }[];
}

export interface AgentCounts {
  matched: number;
  applied: number;
  rejected: number;
  stale: number;
}

export interface AgentRejection {
  readonly agent: string;
  readonly field: string;
  readonly message: string;
}

/** What the fleet says of one policy. */
export interface PolicyCounts {
  readonly agents: AgentCounts;
  readonly breakers: BreakerCounts;
  /** Up to 3 open breakers as `payments on shop/pod-1`. */
  readonly open: readonly string[];
  readonly rejections: readonly AgentRejection[];
}

/** A change of state that an agent reported for the first time. */
export interface ReportedTransition {
  readonly agent: Agent;
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
      /** The policies whose counts may be different now. */
      readonly touched: ReadonlySet<string>;
    };

interface Moment {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: string;
  readonly at: number;
}

interface View {
  readonly uid: string | undefined;
  readonly state: BreakerState;
  readonly shadow: boolean;
  readonly totals: Totals;
  readonly latency: readonly number[];
  readonly moments: readonly Moment[];
}

interface Rejection extends AgentRejection {
  /** The version of the policy that it speaks of. */
  readonly digest: string;
}

class Member implements Agent {
  readonly identity: Identity;
  streams = 0;
  heardAt: number;
  target: Board | undefined;
  revision: string | undefined;
  sent: Board[] = [];
  sequence = 0;
  parts = new Set<number>();
  pending = new Map<string, Rejection>();
  rejections: ReadonlyMap<string, Rejection> = new Map();
  readonly views = new Map<string, Map<string, View>>();
  viewCount = 0;

  constructor(identity: Identity, now: number) {
    this.identity = identity;
    this.heardAt = now;
  }

  get applied(): Board | undefined {
    return this.sent.find(({ revision }) => revision === this.revision);
  }

  get breakers(): Agent['breakers'] {
    return [...this.views].flatMap(([name, keys]) => {
      const view = worst(keys.values())!;
      return { name, uid: view.uid ?? '', state: view.state, shadow: view.shadow, totals: view.totals };
    });
  }

  /** The name of a policy that was sent to this agent; absent for any other. */
  policyName(uid: string): string | undefined {
    for (const board of this.sent) {
      const entry = board.entries.get(uid);
      if (entry) return entry.name;
    }
    return undefined;
  }
}

/** Every agent of this replica, and what all of them said. Time is given with each call, in milliseconds. */
export class Fleet {
  readonly counters = new Counters();
  readonly #namespaces = new Map<string, Map<string, Member>>();
  readonly #tally = new Tally();

  /** An agent opened a stream; it is known from now on. */
  connect(identity: Identity, now: number): Agent {
    let agents = this.#namespaces.get(identity.namespace);
    if (!agents) {
      agents = new Map();
      this.#namespaces.set(identity.namespace, agents);
    }
    let agent = agents.get(identity.boot);
    if (agent === undefined || canonical(agent.identity) !== canonical(identity)) {
      const heir = new Member(identity, now);
      if (agent) this.#remove(agent);
      agent = heir;
      this.#agents(identity.namespace).set(identity.boot, agent);
    }
    agent.streams += 1;
    return agent;
  }

  /** A stream of an agent ended. The agent stays until it is silent for too long. */
  disconnect(agent: Agent): void {
    (agent as Member).streams -= 1;
  }

  /** What an agent should run from now on. */
  aim(agent: Agent, board: Board): void {
    (agent as Member).target = board;
  }

  /** A board was written to an agent's stream, or the agent showed that it has it. */
  sent(agent: Agent, board: Board): void {
    const member = agent as Member;
    const others = member.sent.filter((one) => one.revision !== board.revision);
    const kept = others.filter((one, i) => one.revision === member.revision || i >= others.length - BOARDS_KEPT);
    member.sent = [...kept, board];
  }

  /** A board with this revision that was sent to the agent lately. */
  lately(agent: Agent, revision: string | undefined): Board | undefined {
    return (agent as Member).sent.find((board) => board.revision === revision);
  }

  /** Takes a part of a report. The same part again changes nothing. */
  report(namespace: string, report: Report, now: number): Receipt {
    const agent = this.#namespaces.get(namespace)?.get(report.boot);
    if (agent === undefined) return { kind: 'unknown' };
    const wasStale = now - agent.heardAt >= STALE_AFTER_MS;
    agent.heardAt = now;
    if (report.sequence < agent.sequence) return { kind: 'repeated' };
    if (report.sequence > agent.sequence) {
      agent.sequence = report.sequence;
      agent.parts = new Set();
      agent.pending = new Map();
    }
    if (agent.parts.has(report.part)) return { kind: 'repeated' };
    agent.parts.add(report.part);
    const transitions = report.breakers.flatMap((breaker) => this.#take(agent, breaker, now));
    const told = agent.sent.find(({ revision }) => revision === report.revision);
    for (const { uid, field, message } of report.rejections) {
      const entry = told?.entries.get(uid);
      if (!entry) continue;
      const cut = message.slice(0, MAX_REJECTION_MESSAGE);
      agent.pending.set(uid, { agent: agent.identity.instance, field, message: cut, digest: entry.digest });
    }
    const rejections: { uid: string; rejection: AgentRejection }[] = [];
    const touched = new Set(report.breakers.flatMap(({ uid }) => uid ?? []));
    if (agent.parts.size >= report.parts) {
      for (const [uid, rejection] of agent.pending) {
        if (agent.rejections.get(uid)?.digest !== rejection.digest) rejections.push({ uid, rejection });
      }
      const same = agent.revision === report.revision && !wasStale;
      if (!same || agent.rejections.size + agent.pending.size > 0) {
        for (const uid of agent.target?.entries.keys() ?? []) touched.add(uid);
      }
      agent.revision = report.revision;
      agent.rejections = agent.pending;
      agent.pending = new Map();
    }
    if (report.bye && agent.parts.size >= report.parts) {
      for (const uid of agent.target?.entries.keys() ?? []) touched.add(uid);
      this.#remove(agent);
    }
    return { kind: 'accepted', transitions, rejections, touched };
  }

  /** Forgets agents that are gone. Returns the namespaces in which an agent became stale or gone since `before`. */
  sweep(before: number, now: number): Set<string> {
    const touched = new Set<string>();
    for (const [namespace, agents] of this.#namespaces) {
      for (const agent of agents.values()) {
        for (const limit of [STALE_AFTER_MS, GONE_AFTER_MS]) {
          if (now - agent.heardAt >= limit && before - agent.heardAt < limit) touched.add(namespace);
        }
        if (now - agent.heardAt >= GONE_AFTER_MS && agent.streams === 0) this.#remove(agent);
      }
    }
    return touched;
  }

  /** What is counted for each policy of a namespace that an agent should have. */
  counts(namespace: string, uids: Iterable<string>, now: number): Map<string, PolicyCounts> {
    const agents = new Map<string, AgentCounts>();
    const rejections = new Map<string, AgentRejection[]>();
    const alike = new Map<Board, Map<Board | undefined, { live: number; stale: number }>>();
    for (const agent of this.#namespaces.get(namespace)?.values() ?? []) {
      if (now - agent.heardAt >= GONE_AFTER_MS || !agent.target) continue;
      const stale = now - agent.heardAt >= STALE_AFTER_MS;
      if (agent.rejections.size > 0 && !stale) count(agents, rejections, agent.target, agent.applied, 1, 0, agent);
      else group(alike, agent.target, agent.applied)[stale ? 'stale' : 'live'] += 1;
    }
    for (const [target, byApplied] of alike) {
      for (const [applied, { live, stale }] of byApplied) count(agents, rejections, target, applied, live, stale);
    }
    const found = new Map<string, PolicyCounts>();
    for (const uid of uids) {
      found.set(uid, {
        agents: agents.get(uid) ?? { matched: 0, applied: 0, rejected: 0, stale: 0 },
        breakers: this.#tally.counts(uid),
        open: this.#tally.open(uid, 3),
        rejections: rejections.get(uid) ?? [],
      });
    }
    return found;
  }

  /** Every agent of a namespace, or of all. */
  *agents(namespace?: string): Generator<Agent> {
    if (namespace !== undefined) yield* this.#namespaces.get(namespace)?.values() ?? [];
    else for (const agents of this.#namespaces.values()) yield* agents.values();
  }

  #agents(namespace: string): Map<string, Member> {
    const found = this.#namespaces.get(namespace) ?? new Map<string, Member>();
    this.#namespaces.set(namespace, found);
    return found;
  }

  #remove(agent: Member): void {
    const { namespace, boot } = agent.identity;
    for (const [name, keys] of agent.views) {
      this.#tally.replace(`${boot}/${name}`, name, standing(worst(keys.values())), undefined);
    }
    agent.views.clear();
    const agents = this.#namespaces.get(namespace);
    if (agents?.get(boot) === agent) agents.delete(boot);
    if (agents?.size === 0) this.#namespaces.delete(namespace);
  }

  #take(agent: Member, breaker: BreakerReport, now: number): ReportedTransition[] {
    const { namespace, boot, instance } = agent.identity;
    const policy = breaker.uid === undefined ? undefined : agent.policyName(breaker.uid);
    // A policy that this agent was never sent gets no state from it; the calls still happened and are counted.
    const uid = policy === undefined ? undefined : breaker.uid;
    const keys = agent.views.get(breaker.name) ?? new Map<string, View>();
    const known = keys.get(breaker.key ?? '');
    const latency = breaker.latency ?? [];
    this.counters.add(
      namespace,
      policy ?? '',
      breaker.name,
      growth(known?.totals ?? breaker.base ?? NO_TOTALS, breaker.totals),
      latencyGrowth(known?.latency ?? breaker.baseLatency ?? [], latency),
    );

    const told = (breaker.transitions ?? []).map(({ from, to, reason, agoMs }) => ({
      from,
      to,
      reason,
      at: now - agoMs,
    }));
    const fresh = told.slice(repeated(known?.moments ?? [], told));
    const series = this.counters.at(namespace, policy ?? '', breaker.name);
    for (const { to } of fresh) series.entered[to] += 1;

    if (known || agent.viewCount < MAX_BREAKERS_PER_AGENT) {
      if (!known) agent.viewCount += 1;
      const before = standing(worst(keys.values()));
      const shadow = breaker.shadow ?? false;
      const moments = told.length > 0 ? told : (known?.moments ?? []);
      keys.set(breaker.key ?? '', { uid, state: breaker.state, shadow, totals: breaker.totals, latency, moments });
      agent.views.set(breaker.name, keys);
      const label = `${breaker.name} on ${instance}`;
      this.#tally.replace(`${boot}/${breaker.name}`, label, before, standing(worst(keys.values())));
    }
    return fresh.map(({ from, to, reason, at }) => ({
      agent,
      breaker: breaker.name,
      ...(uid !== undefined && { uid }),
      shadow: breaker.shadow ?? false,
      from,
      to,
      agoMs: now - at,
      reason,
    }));
  }
}

const canonical = ({ labels, service, instance }: Identity) => JSON.stringify([labels, service, instance]);

const standing = (view: View | undefined): Standing | undefined =>
  view?.uid === undefined ? undefined : { uid: view.uid, state: view.state, shadow: view.shadow };

/** How many transitions at the beginning of `told` came already with the report before, whose answer was lost. */
function repeated(before: readonly Moment[], told: readonly Moment[]): number {
  const same = (a: Moment, b: Moment) =>
    a.from === b.from && a.to === b.to && a.reason === b.reason && Math.abs(a.at - b.at) < SAME_TRANSITION_MS;
  const whole =
    before.length > 0 && told.length >= before.length && before.every((moment, i) => same(moment, told[i]!));
  return whole ? before.length : 0;
}

function group<V>(
  groups: Map<Board, Map<V, { live: number; stale: number }>>,
  target: Board,
  applied: V,
): { live: number; stale: number } {
  let byApplied = groups.get(target);
  if (!byApplied) {
    byApplied = new Map();
    groups.set(target, byApplied);
  }
  let found = byApplied.get(applied);
  if (!found) {
    found = { live: 0, stale: 0 };
    byApplied.set(applied, found);
  }
  return found;
}

/** Adds agents that should run `target` and run `applied`; `agent` is given when it rejected something. */
function count(
  counts: Map<string, AgentCounts>,
  rejections: Map<string, AgentRejection[]>,
  target: Board,
  applied: Board | undefined,
  live: number,
  stale: number,
  agent?: Member,
): void {
  for (const { uid, digest, hold } of target.entries.values()) {
    const counted = counts.get(uid) ?? { matched: 0, applied: 0, rejected: 0, stale: 0 };
    counts.set(uid, counted);
    counted.matched += live + stale;
    counted.stale += stale;
    const rejection = agent?.rejections.get(uid);
    if (rejection?.digest === digest) {
      counted.rejected += live;
      const listed = rejections.get(uid) ?? [];
      const { agent: instance, field, message } = rejection;
      if (listed.length < MAX_REJECTIONS) listed.push({ agent: instance, field, message });
      rejections.set(uid, listed);
    } else if (!hold && applied?.entries.get(uid)?.digest === digest) counted.applied += live;
  }
}
