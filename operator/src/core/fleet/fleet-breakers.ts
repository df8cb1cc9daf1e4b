import { type BreakerReport, LATENCY_BUCKETS, type Totals } from '@fuseboard/schema';
import { FairShare } from '../limits/fair-share.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { LIMITS } from '../limits/limits.ts';
import type { Outages } from '../outages/outages.ts';
import type { Labels } from '../policy/selector.ts';
import { Ring } from '../ring.ts';
import { MEASURES, SLOTS, slotOf } from '../slots.ts';
import type { BreakerCounts, BreakerState } from './state-counts.ts';
import { Timeline } from './timeline.ts';

/** The slot length of latencies, which are kept for a minute. */
export const LATENCY_SLOT_MS = 10_000;
export const LATENCY_SLOTS = 6;

/**
 * Maximum number of fleet breakers, in total and in one namespace. Calls of further ones are counted in the metrics
 * only.
 */
export const MAX_FLEET_BREAKERS = LIMITS['fleet-breakers'].value;
export const MAX_FLEET_BREAKERS_OF_NAMESPACE = LIMITS['fleet-breakers-of-namespace'].value;

/** Number of state changes kept for each fleet breaker. */
export const TRANSITIONS_KEPT = 20;

/** How long a fleet breaker stays visible after the last report about it. */
export const LINGER_MS = 300_000;

/** A failure as reported by an agent. */
export type LastError = NonNullable<BreakerReport['lastError']>;

/** The breaker of one agent whose circuit is not closed. */
export interface NotClosedAgent {
  readonly instance: string;
  readonly state: BreakerState;
  readonly shadow: boolean;
  /** When the breaker entered this state. */
  readonly since: number;
  /** The last failure; absent when not known. */
  readonly lastError?: LastError | undefined;
}

/** A change of state on one agent. */
export interface StateChange {
  readonly at: number;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: string;
  readonly instance: string;
}

/** The state of one breaker on one agent. */
export interface AgentBreakerState {
  readonly state: BreakerState;
  readonly shadow: boolean;
  readonly since: number;
  readonly lastError?: LastError | undefined;
}

/** The agent that a breaker belongs to. */
export interface BreakerOwner {
  /** Unique key of the agent. */
  readonly key: string;
  readonly instance: string;
  readonly service: string;
  readonly labels: Labels;
}

/**
 * A fleet breaker: one breaker name under one policy, over all agents of this replica. The breakers themselves are in
 * the agents.
 */
export class FleetBreaker {
  readonly id: string;
  readonly namespace: string;
  /** The uid of the policy; empty when the defaults in code apply. */
  readonly uid: string;
  readonly breaker: string;
  /** Increases with every change except those of `heardAt`. */
  version = 0;
  heardAt: number;
  /** When the last breaker that was not closed became closed. */
  closedAt = Number.NEGATIVE_INFINITY;
  readonly states: BreakerCounts = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };
  readonly unwell = new Map<string, NotClosedAgent>();
  /**
   * For each service, the number of agents with this breaker, and the number of those whose breaker is not closed and
   * rejects.
   */
  readonly services = new Map<string, { agents: number; notClosed: number }>();
  readonly counted = new Ring(SLOTS, MEASURES.length);
  readonly latency = new Ring(LATENCY_SLOTS, LATENCY_BUCKETS);
  readonly changes: StateChange[] = [];
  /** The last hour and day; undefined when there are too many timelines. */
  timeline: Timeline | undefined;

  constructor(id: string, namespace: string, uid: string, breaker: string, now: number) {
    this.id = id;
    this.namespace = namespace;
    this.uid = uid;
    this.breaker = breaker;
    this.heardAt = now;
  }

  /** Number of agents with this breaker. */
  get agents(): number {
    const { closed, open, halfOpen, shadowOpen } = this.states;
    return closed + open + halfOpen + shadowOpen;
  }
}

/** All fleet breakers, by breaker name and policy. Memory use does not depend on the number of agents. */
export class FleetBreakers {
  readonly #outages: Outages;
  readonly #limits: LimitLog;
  readonly #timelines = new FairShare({ total: LIMITS.timelines.value });
  readonly #namespaces = new Map<string, Map<string, FleetBreaker>>();
  #size = 0;
  #version = 0;

  constructor(outages: Outages, limits = new LimitLog()) {
    this.#outages = outages;
    this.#limits = limits;
  }

  /** Increases with every change of any fleet breaker. */
  get version(): number {
    return this.#version;
  }

  /** The fleet breaker of this name and policy, created on first use; undefined when there are too many. */
  at(namespace: string, uid: string, breaker: string, now: number): FleetBreaker | undefined {
    const breakers = this.#namespaces.get(namespace) ?? new Map<string, FleetBreaker>();
    const id = idOf(namespace, uid, breaker);
    const known = breakers.get(id);
    if (known !== undefined) return known;
    const full =
      breakers.size >= MAX_FLEET_BREAKERS_OF_NAMESPACE
        ? 'fleet-breakers-of-namespace'
        : this.#size >= MAX_FLEET_BREAKERS
          ? 'fleet-breakers'
          : undefined;
    if (full !== undefined) {
      this.#limits.reached(full, { namespace });
      return undefined;
    }
    const added = new FleetBreaker(id, namespace, uid, breaker, now);
    this.#namespaces.set(namespace, breakers.set(id, added));
    this.#size += 1;
    this.#changed(added);
    return added;
  }

  /** Adds the increase of an agent's counts since its previous report, which arrived at `from`. */
  count(breaker: FleetBreaker, totals: Totals, latency: readonly number[], at: number, from = at): void {
    const { succeeded, failed, slow, rejected, fallback } = totals;
    if (succeeded + failed + slow + rejected === 0) return;
    this.#outages.count(breaker, [succeeded + failed, failed, slow, rejected, fallback], from, at);
    this.#timeline(breaker)?.count([succeeded + failed, failed, slow, rejected, fallback], latency, at);
    breaker.counted.add(slotOf(at), [succeeded + failed, failed, slow, rejected]);
    breaker.latency.add(Math.floor(at / LATENCY_SLOT_MS), latency);
    this.#changed(breaker);
  }

  /** Replaces the state of the breaker of one agent; `after` is absent when the agent no longer has the breaker. */
  setState(
    breaker: FleetBreaker,
    { key, instance, service, labels }: BreakerOwner,
    before: AgentBreakerState | undefined,
    after: AgentBreakerState | undefined,
    now: number,
  ): void {
    if (before) breaker.states[column(before)] -= 1;
    if (after) breaker.states[column(after)] += 1;
    const counts = breaker.services.get(service) ?? { agents: 0, notClosed: 0 };
    counts.agents += Number(after !== undefined) - Number(before !== undefined);
    counts.notClosed += Number(rejects(after)) - Number(rejects(before));
    if (counts.agents > 0) breaker.services.set(service, counts);
    else breaker.services.delete(service);
    if (after && after.state !== 'closed')
      breaker.unwell.set(key, {
        instance,
        state: after.state,
        shadow: after.shadow,
        since: after.since,
        lastError: after.lastError,
      });
    else {
      const healed = breaker.unwell.delete(key);
      if (after && (healed || !before)) breaker.closedAt = Math.max(breaker.closedAt, after.since);
    }
    if (before === undefined) this.#timeline(breaker)?.started(now);
    observe(breaker, now);
    if (rejects(after) && !rejects(before)) this.#outages.opened(breaker, { at: after!.since, instance, labels });
    if (rejects(after) || rejects(before)) this.#outages.observe(breaker, now);
    if (before?.state !== after?.state || before?.shadow !== after?.shadow) this.#changed(breaker);
  }

  /**
   * Records a new transition in an agent's report.
   *
   * @param reported.labels the labels of the agent.
   * @param reported.shadow whether the breaker is in mode Shadow and rejects nothing.
   * @param reported.error the failure that caused the transition; absent when failures did not, or when it is not
   *   known.
   */
  changed(
    breaker: FleetBreaker,
    change: StateChange,
    {
      labels,
      shadow,
      error,
    }: { readonly labels: Labels; readonly shadow: boolean; readonly error?: string | undefined },
  ): void {
    const { at, from, to, reason, instance } = change;
    if (!shadow) {
      const opening = { at, from, reason, instance, labels, ...(error !== undefined && { error }) };
      const began = to === 'open' && this.#outages.opened(breaker, opening);
      if (!began) this.#outages.changed(breaker, from, to, at);
    }
    breaker.changes.push(change);
    if (breaker.changes.length > TRANSITIONS_KEPT) breaker.changes.shift();
    this.#changed(breaker);
  }

  /** The fleet breaker of this name and policy, if it is known; the uid is empty when the defaults in code apply. */
  find(namespace: string, uid: string, breaker: string): FleetBreaker | undefined {
    return this.#namespaces.get(namespace)?.get(idOf(namespace, uid, breaker));
  }

  /** Every fleet breaker of a namespace, or of all namespaces when it is absent. */
  *list(namespace?: string): Generator<FleetBreaker> {
    if (namespace !== undefined) yield* this.#namespaces.get(namespace)?.values() ?? [];
    else for (const breakers of this.#namespaces.values()) yield* breakers.values();
  }

  /**
   * Removes fleet breakers without recent reports or whose policy was deleted, and ends outages. `governed` returns
   * whether a policy exists.
   */
  sweep(now: number, governed: (uid: string) => boolean): void {
    for (const { namespace, id } of this.#outages.sweep(now)) {
      const breaker = this.#namespaces.get(namespace)?.get(id);
      if (breaker) this.#changed(breaker);
    }
    for (const [namespace, breakers] of this.#namespaces) {
      for (const [id, breaker] of breakers) {
        const { agents, heardAt, uid, timeline } = breaker;
        // A circuit can stay open for long without any call.
        observe(breaker, now);
        if (agents > 0 || (now - heardAt < LINGER_MS && (uid === '' || governed(uid)))) continue;
        breakers.delete(id);
        this.#size -= 1;
        if (timeline) this.#timelines.release(namespace, undefined);
      }
      if (breakers.size === 0) this.#namespaces.delete(namespace);
    }
  }

  /** The timeline of a fleet breaker, created on first use; undefined when there are too many. */
  #timeline(breaker: FleetBreaker): Timeline | undefined {
    if (breaker.timeline === undefined) {
      const { namespace, breaker: name } = breaker;
      if (this.#timelines.take(namespace, undefined) === undefined) breaker.timeline = new Timeline();
      else this.#limits.reached('timelines', { namespace, breaker: name });
    }
    return breaker.timeline;
  }

  #changed(breaker: FleetBreaker): void {
    this.#version += 1;
    breaker.version = this.#version;
  }
}

const idOf = (namespace: string, uid: string, breaker: string) => `${namespace}/${uid}/${breaker}`;

/** Records how many agents have an open or half-open circuit. */
function observe({ timeline, states: { open, halfOpen } }: FleetBreaker, now: number): void {
  if (open + halfOpen > 0) timeline?.observe(open, halfOpen, now);
}

const rejects = (state: AgentBreakerState | undefined) =>
  state !== undefined && state.state !== 'closed' && !state.shadow;

const column = ({ state, shadow }: AgentBreakerState): keyof BreakerCounts =>
  state === 'half-open' ? 'halfOpen' : state === 'open' && shadow ? 'shadowOpen' : state;
