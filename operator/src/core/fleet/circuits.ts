import { type BreakerReport, LATENCY_BUCKETS, type Totals } from '@fuseboard/schema';
import { FairShare } from '../limits/fair-share.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { LIMITS } from '../limits/limits.ts';
import type { Outages } from '../outages/outages.ts';
import { MEASURES, SLOTS, slotOf } from '../slots.ts';
import { Ring } from './ring.ts';
import type { BreakerCounts, BreakerState } from './state-counts.ts';
import { Timeline } from './timeline.ts';

/** The slot length of latencies, which are kept for a minute. */
export const LATENCY_SLOT_MS = 10_000;
export const LATENCY_SLOTS = 6;

/**
 * Maximum number of circuits, in total and in one namespace. Calls of further circuits are counted only in the metrics.
 */
export const MAX_CIRCUITS = 20_000;
export const MAX_CIRCUITS_OF_NAMESPACE = 4_000;

/** Number of state changes kept for each circuit. */
export const TRANSITIONS_KEPT = 20;

/** How long a circuit stays visible after the last report about it. */
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
export interface AgentCircuitState {
  readonly state: BreakerState;
  readonly shadow: boolean;
  readonly since: number;
  readonly lastError?: LastError | undefined;
}

/** The agent that a breaker belongs to. */
export interface CircuitOwner {
  /** Unique key of the agent. */
  readonly key: string;
  readonly instance: string;
  readonly service: string;
}

/** One breaker name under one policy, over all agents of this replica. */
export class Circuit {
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

/** The state and counts of circuits by breaker and policy. Memory use does not depend on the number of agents. */
export class Circuits {
  readonly #outages: Outages;
  readonly #limits: LimitLog;
  readonly #timelines = new FairShare({ total: LIMITS.timelines.value });
  readonly #namespaces = new Map<string, Map<string, Circuit>>();
  #size = 0;
  #version = 0;

  constructor(outages: Outages, limits = new LimitLog()) {
    this.#outages = outages;
    this.#limits = limits;
  }

  /** Increases with every change of any circuit. */
  get version(): number {
    return this.#version;
  }

  /** The circuit of a breaker, created on first use; undefined when there are too many. */
  at(namespace: string, uid: string, breaker: string, now: number): Circuit | undefined {
    const circuits = this.#namespaces.get(namespace) ?? new Map<string, Circuit>();
    const id = idOf(namespace, uid, breaker);
    let circuit = circuits.get(id);
    if (circuit === undefined && this.#size < MAX_CIRCUITS && circuits.size < MAX_CIRCUITS_OF_NAMESPACE) {
      circuit = new Circuit(id, namespace, uid, breaker, now);
      this.#namespaces.set(namespace, circuits.set(id, circuit));
      this.#size += 1;
      this.#changed(circuit);
    }
    return circuit;
  }

  /** Adds the increase of an agent's counts since its previous report. */
  count(circuit: Circuit, totals: Totals, latency: readonly number[], at: number): void {
    const { succeeded, failed, slow, rejected, fallback } = totals;
    if (succeeded + failed + slow + rejected === 0) return;
    this.#outages.count(circuit, [succeeded + failed, failed, slow, rejected, fallback], at);
    this.#timeline(circuit)?.count([succeeded + failed, failed, slow, rejected, fallback], latency, at);
    circuit.counted.add(slotOf(at), [succeeded + failed, failed, slow, rejected]);
    circuit.latency.add(Math.floor(at / LATENCY_SLOT_MS), latency);
    this.#changed(circuit);
  }

  /** Replaces the state of the breaker of one agent; `after` is absent when the agent no longer has the breaker. */
  setState(
    circuit: Circuit,
    { key, instance, service }: CircuitOwner,
    before: AgentCircuitState | undefined,
    after: AgentCircuitState | undefined,
    now: number,
  ): void {
    if (before) circuit.states[column(before)] -= 1;
    if (after) circuit.states[column(after)] += 1;
    const counts = circuit.services.get(service) ?? { agents: 0, notClosed: 0 };
    counts.agents += Number(after !== undefined) - Number(before !== undefined);
    counts.notClosed += Number(rejects(after)) - Number(rejects(before));
    if (counts.agents > 0) circuit.services.set(service, counts);
    else circuit.services.delete(service);
    if (after && after.state !== 'closed') circuit.unwell.set(key, { instance, ...after });
    else {
      const healed = circuit.unwell.delete(key);
      if (after && (healed || !before)) circuit.closedAt = Math.max(circuit.closedAt, after.since);
    }
    if (before === undefined) this.#timeline(circuit)?.started(now);
    observe(circuit, now);
    if (rejects(after) && !rejects(before)) this.#outages.opened(circuit, { at: after!.since, instance });
    if (rejects(after) || rejects(before)) this.#outages.observe(circuit, now);
    if (before?.state !== after?.state || before?.shadow !== after?.shadow) this.#changed(circuit);
  }

  /**
   * Records a new transition in an agent's report.
   *
   * @param shadow whether the breaker is in mode Shadow and rejects nothing.
   * @param error the failure that caused the transition; absent when failures did not, or when it is not known.
   */
  changed(circuit: Circuit, change: StateChange, shadow: boolean, error?: string): void {
    const { at, from, to, reason, instance } = change;
    if (!shadow) {
      if (to === 'open') this.#outages.opened(circuit, { at, reason, instance, ...(error !== undefined && { error }) });
      this.#outages.changed(circuit, from, to, at);
    }
    circuit.changes.push(change);
    if (circuit.changes.length > TRANSITIONS_KEPT) circuit.changes.shift();
    this.#changed(circuit);
  }

  /** The circuit of a breaker, if it is known; the uid is empty when the defaults in code apply. */
  find(namespace: string, uid: string, breaker: string): Circuit | undefined {
    return this.#namespaces.get(namespace)?.get(idOf(namespace, uid, breaker));
  }

  /** Every circuit of a namespace, or of all namespaces when it is absent. */
  *list(namespace?: string): Generator<Circuit> {
    if (namespace !== undefined) yield* this.#namespaces.get(namespace)?.values() ?? [];
    else for (const circuits of this.#namespaces.values()) yield* circuits.values();
  }

  /**
   * Removes circuits without recent reports or whose policy was deleted, and ends outages. `governed` returns whether a
   * policy exists.
   */
  sweep(now: number, governed: (uid: string) => boolean): void {
    for (const { namespace, id } of this.#outages.sweep(now)) {
      const circuit = this.#namespaces.get(namespace)?.get(id);
      if (circuit) this.#changed(circuit);
    }
    for (const [namespace, circuits] of this.#namespaces) {
      for (const [id, circuit] of circuits) {
        const { agents, heardAt, uid, timeline } = circuit;
        // A circuit can stay open for long without any call.
        observe(circuit, now);
        if (agents > 0 || (now - heardAt < LINGER_MS && (uid === '' || governed(uid)))) continue;
        circuits.delete(id);
        this.#size -= 1;
        if (timeline) this.#timelines.release(namespace, undefined);
      }
      if (circuits.size === 0) this.#namespaces.delete(namespace);
    }
  }

  /** The timeline of a circuit, created on first use; undefined when there are too many. */
  #timeline(circuit: Circuit): Timeline | undefined {
    if (circuit.timeline === undefined) {
      const { namespace, breaker } = circuit;
      if (this.#timelines.take(namespace, undefined) === undefined) circuit.timeline = new Timeline();
      else this.#limits.reached('timelines', { namespace, breaker });
    }
    return circuit.timeline;
  }

  #changed(circuit: Circuit): void {
    this.#version += 1;
    circuit.version = this.#version;
  }
}

const idOf = (namespace: string, uid: string, breaker: string) => `${namespace}/${uid}/${breaker}`;

/** Records how many agents have an open or half-open circuit. */
function observe({ timeline, states: { open, halfOpen } }: Circuit, now: number): void {
  if (open + halfOpen > 0) timeline?.observe(open, halfOpen, now);
}

const rejects = (state: AgentCircuitState | undefined) =>
  state !== undefined && state.state !== 'closed' && !state.shadow;

const column = ({ state, shadow }: AgentCircuitState): keyof BreakerCounts =>
  state === 'half-open' ? 'halfOpen' : state === 'open' && shadow ? 'shadowOpen' : state;
