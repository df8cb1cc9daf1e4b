import { createHash } from 'node:crypto';
import type { OVERRIDE_ACTIONS } from '@fuseboard/schema';
import { CACHE_LIMITS } from '../limits/cache-limits.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { LIMITS } from '../limits/limits.ts';
import { newestFirst } from '../policy/override.ts';
import { matches } from '../policy/routing.ts';
import { type Labels, type Selector, selects } from '../policy/selector.ts';
import { Ring } from '../ring.ts';
import { SLOT_MS, SLOTS, slotOf } from '../slots.ts';
import { Series } from './series.ts';

/**
 * An outage is over when every circuit has been closed for this long. A circuit that opens sooner continues the outage.
 */
export const QUIET_MS = 60_000;

/** How long an outage is kept after its end. */
export const KEPT_MS = 24 * 3_600_000;

/**
 * Maximum number of stored outages, in total and in one namespace. The outage that ended first is removed to make room.
 */
export const MAX_OUTAGES = LIMITS.outages.value;
export const MAX_OUTAGES_OF_NAMESPACE = LIMITS['outages-of-namespace'].value;

const MAX_ACTIONS = CACHE_LIMITS['outage-actions'].entries;
const MAX_LABEL_SETS = CACHE_LIMITS['outage-labels'].entries;
const MAX_SERVICES = CACHE_LIMITS['outage-services'].entries;

/** How long before the first opening the plot of an outage starts. */
const LEAD_MS = 60_000;

/** The length of time over which call rates are computed. */
const RATE_MS = 10_000;
const RATE_SLOTS = RATE_MS / SLOT_MS;

/** The agents of one service whose calls are rejected, of all agents with the breaker. */
export interface HitService {
  readonly service: string;
  readonly hit: number;
  readonly agents: number;
}

/** An override that a user created during an outage. */
export interface OutageAction {
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly action: (typeof OVERRIDE_ACTIONS)[number];
  /** The reason of the override; absent when none was given. */
  readonly reason?: string;
  /** The user who created the override; absent when not known. */
  readonly by?: string;
}

/** The override that holds the circuits of an outage now. */
export interface OutageHold extends OutageAction {
  readonly name: string;
  /** When the override ends, in milliseconds since 1970. */
  readonly until: number;
  /** Whether it selects only some of the agents whose circuit opened. */
  readonly partly: boolean;
}

/** The breaker in an outage, with its current counts in the fleet. */
export interface OutageSubject {
  readonly id: string;
  readonly namespace: string;
  /** The uid of the policy; empty when the defaults in code apply. */
  readonly uid: string;
  readonly breaker: string;
  readonly agents: number;
  /** When the latest report arrived. */
  readonly heardAt: number;
  readonly states: { readonly open: number; readonly halfOpen: number };
  /** For each service, the number of agents with the breaker, and the number of those whose calls are rejected. */
  readonly services: ReadonlyMap<string, { readonly agents: number; readonly notClosed: number }>;
  /** Number of calls and of failed, slow and rejected calls by slot, including slots before the outage. */
  readonly counted: Ring;
}

/** The opening of a circuit that starts or continues an outage. */
export interface Opening {
  readonly at: number;
  /** The trip reason; absent when the circuit was open before this replica knew of it. */
  readonly reason?: string;
  readonly instance: string;
  /** The labels of the agent. */
  readonly labels: Labels;
  /** The failure that opened the circuit; absent when failures did not, or when it is not known. */
  readonly error?: string;
}

/** Rejected calls of one breaker from its first opening to its last close, over all agents. */
export class Outage {
  readonly id: string;
  /** The id of its fleet breaker. */
  readonly breakerId: string;
  readonly namespace: string;
  readonly uid: string;
  readonly breaker: string;
  readonly began: number;
  readonly reason: string | undefined;
  readonly instance: string;
  readonly error: string | undefined;
  /** When the last circuit closed; undefined while a circuit is not closed. */
  closedAt: number | undefined;
  /** Whether the outage has ended, so that a further opening starts another outage. */
  over = false;
  refused = 0;
  fallback = 0;
  /** How often a circuit became half-open. `reopened` counts how often it opened again from there. */
  attempts = 0;
  reopened = 0;
  /**
   * Maximum number of agents whose calls were rejected at one time. `mostHitOf` is the number of agents at that time.
   */
  mostHit = 0;
  mostHitOf = 0;
  services: readonly HitService[] = [];
  readonly actions: OutageAction[] = [];
  readonly series: Series;
  /** The breaker with its current counts; undefined once the outage is over. */
  subject: OutageSubject | undefined;
  /** The labels of the agents whose circuit opened, each set once. */
  readonly #hitLabels = new Set<Labels>();
  readonly #rates = new Ring(RATE_SLOTS + 1, 3);

  constructor(id: string, subject: OutageSubject, { at, reason, instance, error }: Opening) {
    this.id = id;
    this.subject = subject;
    this.breakerId = subject.id;
    this.namespace = subject.namespace;
    this.uid = subject.uid;
    this.breaker = subject.breaker;
    this.began = at;
    this.reason = reason;
    this.instance = instance;
    this.error = error;
    this.series = new Series(at - LEAD_MS);
    const first = slotOf(this.series.begin);
    for (let slot = first; slot < first + SLOTS; slot += 1) {
      const counts = subject.counted.read(slot, slot);
      if (counts.some((count) => count > 0)) this.series.add(slot * SLOT_MS, counts);
    }
  }

  /** Records the labels of an agent whose circuit opened; returns whether they are new. */
  addHit(labels: Labels): boolean {
    if (this.#hitLabels.has(labels) || this.#hitLabels.size >= MAX_LABEL_SETS) return false;
    this.#hitLabels.add(labels);
    return true;
  }

  /** Adds the override to the actions if it is for the breaker of an agent whose circuit opened. */
  act(override: ActingOverride): void {
    if (this.actions.length >= MAX_ACTIONS || this.actions.some(({ uid }) => uid === override.uid)) return;
    if (this.#selected(override) > 0) this.actions.push(actionOf(override));
  }

  /** The newest of the overrides with this action that is for an agent whose circuit opened. */
  heldBy(overrides: readonly ActingOverride[], action: OutageAction['action']): OutageHold | undefined {
    const [held] = overrides
      .filter((override) => override.action === action && this.#selected(override) > 0)
      .sort((a, b) => newestFirst({ ...a, createdAt: a.at }, { ...b, createdAt: b.at }));
    if (held === undefined) return undefined;
    const { name, until } = held;
    return { ...actionOf(held), name, until, partly: this.#selected(held) < this.#hitLabels.size };
  }

  /** The number of label sets, of agents whose circuit opened, that the override is for. */
  #selected({ namespace, breakers, selector }: ActingOverride): number {
    if (namespace !== this.namespace || !breakers.some((pattern) => matches(pattern, this.breaker))) return 0;
    return [...this.#hitLabels].filter((labels) => selects(selector, labels)).length;
  }

  /** Adds calls of the breaker, in the order of `SUMMED`. */
  count(counts: readonly number[], at: number): void {
    const [calls, , , rejected, fallback] = counts;
    this.refused += rejected!;
    this.fallback += fallback!;
    this.series.add(at, counts);
    this.#rates.add(slotOf(at), [rejected!, fallback!, calls!]);
  }

  /** Moves the close time to `at`, for circuits that opened and closed between two reports. */
  extend(at: number): void {
    if (this.closedAt !== undefined) this.closedAt = Math.max(this.closedAt, at);
  }

  /** Ends the outage, and drops what only a current outage needs. */
  end(): void {
    this.over = true;
    this.subject = undefined;
    this.#hitLabels.clear();
  }

  /** Rejected calls, fallback answers and calls that were let through, per second over the last `RATE_MS`. */
  rates(now: number): { refused: number; fallback: number; calls: number } {
    const slot = slotOf(now);
    // The current slot is incomplete, so it is not included.
    const [refused, fallback, calls] = this.#rates.sum(slot - RATE_SLOTS, slot - 1);
    const perSecond = (count: number | undefined) => (count! * 1_000) / RATE_MS;
    return { refused: perSecond(refused), fallback: perSecond(fallback), calls: perSecond(calls) };
  }

  /** Updates the number of agents whose calls are rejected. */
  observe({ agents, states, services }: OutageSubject, now: number): void {
    let hit = 0;
    for (const { notClosed } of services.values()) hit += notClosed;
    this.series.raise(now, [states.open, states.halfOpen]);
    if (hit === 0) this.closedAt ??= now;
    else this.closedAt = undefined;
    if (hit === 0 || hit < this.mostHit) return;
    this.mostHit = hit;
    this.mostHitOf = agents;
    this.services = hitServices(services);
  }
}

/** The services whose agents' calls are rejected, the service with the most such agents first. */
export const hitServices = (services: OutageSubject['services']): HitService[] =>
  [...services]
    .filter(([, { notClosed }]) => notClosed > 0)
    .map(([service, { agents, notClosed }]) => ({ service, hit: notClosed, agents }))
    .sort((a, b) => b.hit - a.hit || (a.service < b.service ? -1 : 1))
    .slice(0, MAX_SERVICES);

/** An override in force, with the fields that an outage needs. */
export interface ActingOverride extends OutageAction {
  readonly name: string;
  /** When the override ends, in milliseconds since 1970. */
  readonly until: number;
  readonly namespace: string;
  /** Names, prefixes with a trailing `*`, or `*`. */
  readonly breakers: readonly string[];
  /** Which agents the override is for; absent: all of the namespace. */
  readonly selector?: Selector;
}

const actionOf = ({ uid, at, action, reason, by }: ActingOverride): OutageAction => ({
  ...{ uid, at, action },
  ...(reason !== undefined && { reason }),
  ...(by !== undefined && { by }),
});

/** The outages of the last day. Memory use depends neither on the number of agents nor on the length of outages. */
export class Outages {
  /** The current outages, by the id of their fleet breaker. */
  readonly #current = new Map<string, Outage>();
  /** All stored outages by namespace, in the order in which they started. */
  readonly #kept = new Map<string, Set<Outage>>();
  #size = 0;
  #begun = 0;
  #overrides: readonly ActingOverride[] = [];
  readonly #date: (at: number) => number;
  readonly #limits: LimitLog;

  /** @param date converts a time of the caller's clock to milliseconds since 1970. */
  constructor(date: (at: number) => number = (at) => at, limits = new LimitLog()) {
    this.#date = date;
    this.#limits = limits;
  }

  /** The current outage of a fleet breaker. */
  current(breakerId: string): Outage | undefined {
    return this.#current.get(breakerId);
  }

  /** Every outage of a namespace, or of all namespaces when it is absent. */
  *list(namespace?: string): Generator<Outage> {
    if (namespace !== undefined) yield* this.#kept.get(namespace) ?? [];
    else for (const outages of this.#kept.values()) yield* outages;
  }

  /** Number of outages since the start of this replica. */
  get begun(): number {
    return this.#begun;
  }

  /** Records that a circuit opened on an agent, in a mode that rejects calls. */
  opened(subject: OutageSubject, opening: Opening): void {
    const known = this.#current.get(subject.id);
    known?.extend(opening.at);
    if (known?.addHit(opening.labels)) this.#act(known);
    if (known !== undefined || !this.#makeRoom(subject.namespace)) return;
    const outage = new Outage(this.#newId(subject, opening.at), subject, opening);
    this.#current.set(subject.id, outage);
    this.#kept.set(subject.namespace, (this.#kept.get(subject.namespace) ?? new Set()).add(outage));
    this.#size += 1;
    this.#begun += 1;
    outage.observe(subject, opening.at);
    outage.addHit(opening.labels);
    this.#act(outage);
  }

  /** Records a state change of a circuit on an agent at the time `at`. */
  changed(subject: OutageSubject, from: string, to: string, at: number): void {
    const outage = this.#current.get(subject.id);
    if (outage === undefined) return;
    if (to === 'half-open') outage.attempts += 1;
    if (from === 'half-open' && to === 'open') outage.reopened += 1;
    if (to === 'closed') outage.extend(at);
  }

  /** Updates an outage after the states of a breaker's agents changed. */
  observe(subject: OutageSubject, now: number): void {
    this.#current.get(subject.id)?.observe(subject, now);
  }

  /** The override that explains the state of an outage: one that forces open circuits open, or closed ones closed. */
  holdOf(outage: Outage): OutageHold | undefined {
    if (outage.over) return undefined;
    return outage.heldBy(this.#overrides, outage.closedAt === undefined ? 'ForceOpen' : 'ForceClosed');
  }

  /** Adds calls of a breaker, in the order of `SUMMED`. */
  count(subject: OutageSubject, counts: readonly number[], at: number): void {
    this.#current.get(subject.id)?.count(counts, at);
  }

  /**
   * Sets the active overrides. An override is added to the actions of an outage when it selects an agent whose circuit
   * opened in it.
   */
  setOverrides(overrides: readonly ActingOverride[]): void {
    this.#overrides = overrides;
    for (const outage of this.#current.values()) this.#act(outage);
  }

  /**
   * Ends outages whose circuits have been closed for long, and removes outages that ended a day ago. Returns the
   * breakers of the ended outages.
   */
  sweep(now: number): OutageSubject[] {
    const ended: OutageSubject[] = [];
    for (const [breakerId, outage] of this.#current) {
      if (outage.closedAt === undefined || now - outage.closedAt < QUIET_MS) continue;
      ended.push(outage.subject!);
      outage.end();
      this.#current.delete(breakerId);
    }
    for (const outages of this.#kept.values()) {
      for (const outage of outages) if (outage.over && now - outage.closedAt! >= KEPT_MS) this.#forget(outage);
    }
    return ended;
  }

  #act(outage: Outage): void {
    for (const override of this.#overrides) outage.act(override);
  }

  /**
   * The id of an outage: the second of its begin, the name of the breaker and a hash of the policy's uid, so that
   * breakers of one name under two policies differ. A number follows when a late report of the same second begins
   * another outage of the breaker.
   */
  #newId({ namespace, breaker, uid }: OutageSubject, at: number): string {
    const second = Math.floor(this.#date(at) / 1_000).toString(36);
    const governed = uid === '' ? '' : `-${createHash('sha256').update(uid).digest('hex').slice(0, 8)}`;
    const id = `${second}-${breaker}${governed}`;
    const isTaken = (wanted: string) => [...this.list(namespace)].some((outage) => outage.id === wanted);
    let free = id;
    for (let number = 2; isTaken(free); number += 1) free = `${id}-${number}`;
    return free;
  }

  #makeRoom(namespace: string): boolean {
    const own = this.#kept.get(namespace);
    if ((own?.size ?? 0) >= MAX_OUTAGES_OF_NAMESPACE) {
      this.#limits.reached('outages-of-namespace', { namespace });
      return this.#dropOldest(own!);
    }
    if (this.#size < MAX_OUTAGES) return true;
    this.#limits.reached('outages', { namespace });
    return this.#dropOldest(this.list());
  }

  #dropOldest(outages: Iterable<Outage>): boolean {
    // Where all are current, no outage is looked at, however many circuits open.
    if (this.#current.size === this.#size) return false;
    let oldest: Outage | undefined;
    for (const outage of outages) {
      if (outage.over && (oldest === undefined || outage.closedAt! < oldest.closedAt!)) oldest = outage;
    }
    if (oldest === undefined) return false;
    this.#forget(oldest);
    return true;
  }

  #forget(outage: Outage): void {
    const outages = this.#kept.get(outage.namespace)!;
    outages.delete(outage);
    this.#size -= 1;
    if (outages.size === 0) this.#kept.delete(outage.namespace);
  }
}
