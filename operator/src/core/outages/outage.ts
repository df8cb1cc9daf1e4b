import { CACHE_LIMITS } from '../limits/cache-limits.ts';
import { newestFirst } from '../policy/override.ts';
import { type Labels, matches, type Selector, selects } from '../policy/selector.ts';
import { Ring } from '../ring.ts';
import { SLOT_MS, SLOTS, slotOf, spread } from '../slots.ts';
import type { HitService, OutageAction, SavedOutage } from './saved-outage.ts';
import { Series } from './series.ts';

/**
 * An outage is over when every circuit has been closed for this long. A circuit that opens sooner continues the outage.
 */
export const QUIET_MS = 60_000;

const MAX_ACTIONS = CACHE_LIMITS['outage-actions'].entries;
const MAX_LABEL_SETS = CACHE_LIMITS['outage-labels'].entries;
const MAX_SERVICES = CACHE_LIMITS['outage-services'].entries;

/** How long before the first opening the plot of an outage starts. */
const LEAD_MS = 60_000;

/** The length of time over which call rates are computed. */
const RATE_MS = 10_000;
const RATE_SLOTS = RATE_MS / SLOT_MS;

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
  /** The state before; absent when the circuit was open before this replica knew of it. */
  readonly from?: string;
  readonly instance: string;
  /** The labels of the agent. */
  readonly labels: Labels;
  /** The failure that opened the circuit; absent when failures did not, or when it is not known. */
  readonly error?: string;
}

/** What of an outage does not change. */
type OutageIdentity = Pick<
  Outage,
  'id' | 'breakerId' | 'namespace' | 'uid' | 'breaker' | 'began' | 'reason' | 'instance' | 'error'
>;

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
  /**
   * The breaker with its current counts; undefined once the outage is over, and after a restart until an agent reports
   * that its circuit is open.
   */
  subject: OutageSubject | undefined;
  readonly #hitLabels = new Set<Labels>();
  readonly #rates = new Ring(RATE_SLOTS + 1, 3);

  /** When the latest report arrived, as long as there is no subject. */
  #heardAt: number;

  private constructor(identity: OutageIdentity, series: Series) {
    this.id = identity.id;
    this.breakerId = identity.breakerId;
    this.namespace = identity.namespace;
    this.uid = identity.uid;
    this.breaker = identity.breaker;
    this.began = identity.began;
    this.reason = identity.reason;
    this.instance = identity.instance;
    this.error = identity.error;
    this.series = series;
    this.#heardAt = identity.began;
  }

  /** An outage that begins with this opening. */
  static begin(id: string, subject: OutageSubject, { at, reason, instance, error }: Opening): Outage {
    const { id: breakerId, namespace, uid, breaker } = subject;
    const series = new Series(at - LEAD_MS);
    const outage = new Outage({ id, breakerId, namespace, uid, breaker, began: at, reason, instance, error }, series);
    outage.subject = subject;
    const first = slotOf(series.begin);
    for (let slot = first; slot < first + SLOTS; slot += 1) {
      const counts = subject.counted.read(slot, slot);
      if (counts.some((count) => count > 0)) series.add(slot * SLOT_MS, counts);
    }
    return outage;
  }

  /**
   * An outage that was saved; until an agent reports its circuit, it has no subject.
   *
   * @param date milliseconds since 1970 at the zero of the caller's clock.
   * @throws when its series cannot be read.
   */
  static restored(saved: SavedOutage, date: number): Outage {
    const series = Series.restored(saved.series, saved.series.begin - date);
    const { reason, error } = saved;
    const outage = new Outage({ ...saved, reason, error, began: saved.began - date }, series);
    outage.closedAt = saved.closed === undefined ? undefined : saved.closed - date;
    outage.over = saved.over;
    outage.refused = saved.refused;
    outage.fallback = saved.fallback;
    outage.attempts = saved.attempts;
    outage.reopened = saved.reopened;
    outage.mostHit = saved.mostHit;
    outage.mostHitOf = saved.mostHitOf;
    outage.services = saved.services;
    outage.actions.push(...saved.actions);
    outage.#heardAt = saved.heard - date;
    return outage;
  }

  /** @param date converts a time of the caller's clock to milliseconds since 1970. */
  save(date: (at: number) => number): SavedOutage {
    const { id, namespace, breakerId, uid, breaker, instance, reason, error, closedAt, series } = this;
    const { over, refused, fallback, attempts, reopened, mostHit, mostHitOf, services, actions } = this;
    const at = (time: number) => Math.round(date(time));
    return {
      ...{ id, namespace, breakerId, uid, breaker, instance, over, refused, fallback, attempts, reopened },
      ...{ mostHit, mostHitOf, services, actions: [...actions] },
      began: at(this.began),
      heard: at(this.heardAt),
      ...(reason !== undefined && { reason }),
      ...(error !== undefined && { error }),
      ...(closedAt !== undefined && { closed: at(closedAt) }),
      series: { begin: at(series.begin), slotMs: series.slotMs, values: series.read(), reported: series.reported },
    };
  }

  /** When the latest report about the breaker arrived. */
  get heardAt(): number {
    return this.subject?.heardAt ?? this.#heardAt;
  }

  /** Whether an opening continues this outage, of which no agent has reported since the restart. */
  isContinuedBy({ at, from }: Opening): boolean {
    return from !== 'closed' || at - (this.closedAt ?? this.#heardAt) < QUIET_MS;
  }

  /** The labels of the agents whose circuit opened, each set once. */
  get hitLabels(): Iterable<Labels> {
    return this.#hitLabels;
  }

  /** Records the labels of an agent whose circuit opened; returns whether they are new. */
  addHit(labels: Labels): boolean {
    if (this.#hitLabels.has(labels) || this.#hitLabels.size >= MAX_LABEL_SETS) return false;
    this.#hitLabels.add(labels);
    return true;
  }

  /** Adds the override to the actions if it is for the breaker of an agent whose circuit opened; returns whether. */
  act(override: ActingOverride): boolean {
    if (this.actions.length >= MAX_ACTIONS || this.actions.some(({ uid }) => uid === override.uid)) return false;
    if (this.#selected(override) === 0) return false;
    this.actions.push(actionOf(override));
    return true;
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

  /** Adds the calls of the breaker since the time `from`, in the order of `SUMMED`. */
  count(counts: readonly number[], from: number, at: number): void {
    for (const [time, part] of spread(counts, from, at)) {
      const [calls, , , rejected, fallback] = part;
      this.refused += rejected!;
      this.fallback += fallback!;
      this.series.add(time, part);
      this.#rates.add(slotOf(time), [rejected!, fallback!, calls!]);
    }
  }

  /** Moves the close time to `at`, for circuits that opened and closed between two reports. */
  extend(at: number): void {
    if (this.closedAt !== undefined) this.closedAt = Math.max(this.closedAt, at);
    else if (this.subject === undefined) this.#heardAt = Math.max(this.#heardAt, at);
  }

  /** Ends the outage, and drops what only a current outage needs. */
  end(): void {
    this.closedAt ??= this.#heardAt;
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
