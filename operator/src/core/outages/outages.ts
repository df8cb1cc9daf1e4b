import { createHash } from 'node:crypto';
import { FairShare } from '../limits/fair-share.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { LIMITS } from '../limits/limits.ts';
import { isForced } from './forced.ts';
import { type ActingOverride, type Opening, Outage, type OutageHold, type OutageSubject, QUIET_MS } from './outage.ts';
import type { OutageKey, SavedOutage } from './saved-outage.ts';

/** How long an outage is kept after its end. */
export const KEPT_MS = 24 * 3_600_000;

/**
 * Maximum number of stored outages, in total and in one namespace. A namespace that has all that it can have makes room
 * with its own outage that ended first.
 */
export const MAX_OUTAGES = LIMITS.outages.value;
export const MAX_OUTAGES_OF_NAMESPACE = LIMITS['outages-of-namespace'].value;

/**
 * How long agents may take to connect again after a restart of the operator. Until then a restored outage lasts, even
 * if no agent reports its circuit.
 */
const RECONNECT_MS = QUIET_MS;

/** An outage that continues is saved at most this often, in ms. */
export const SAVE_INTERVAL_MS = 5_000;

/** An outage that lasts is saved this often even if nothing changes, so that a restart knows how long it lasted. */
const SAVE_AGAIN_MS = 30_000;

/** The outages of the last day. Memory use depends neither on the number of agents nor on the length of outages. */
export class Outages {
  /** The current outages, by the id of their fleet breaker. */
  readonly #current = new Map<string, Outage>();
  /** All stored outages by namespace, in the order in which they started. */
  readonly #kept = new Map<string, Set<Outage>>();
  readonly #share = new FairShare({ total: MAX_OUTAGES });
  #begun = 0;
  /** Until when restored outages wait for a report. */
  #reconnectUntil = Number.NEGATIVE_INFINITY;
  /** The outages that changed since they were taken, the one that changed first at the front. */
  readonly #changed = new Set<Outage>();
  /** When each outage that was taken or restored was last taken. */
  readonly #takenAt = new Map<Outage, number>();
  #removed: OutageKey[] = [];
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

  /**
   * Records that a circuit opened on an agent, in a mode that rejects calls. Returns whether an outage began.
   *
   * Somebody who forces a circuit open causes no outage of the dependency: the first circuit that opens by itself
   * begins another outage, with its own cause. So does forcing open when all circuits have closed.
   */
  opened(subject: OutageSubject, opening: Opening): boolean {
    const known = this.#resumed(subject, opening);
    if (known !== undefined && !isAnother(known, opening)) {
      known.extend(opening.at);
      if (known.addHit(opening.labels)) this.#act(known);
      this.#changed.add(known);
      return false;
    }
    const stillForced = known?.closedAt === undefined ? [...(known?.hitLabels ?? [])] : [];
    if (known !== undefined) {
      known.closedAt ??= Math.max(known.began, opening.at);
      this.#end(subject.id, known);
    }
    if (!this.#makeRoom(subject.namespace)) return false;
    const outage = Outage.begin(this.#newId(subject, opening.at), subject, opening);
    this.#current.set(subject.id, outage);
    this.#keep(outage);
    this.#begun += 1;
    this.#changed.add(outage);
    outage.observe(subject, opening.at);
    for (const labels of [opening.labels, ...stillForced]) outage.addHit(labels);
    this.#act(outage);
    return true;
  }

  /** Records a state change of a circuit on an agent at the time `at`. */
  changed(subject: OutageSubject, from: string, to: string, at: number): void {
    const outage = this.#current.get(subject.id);
    if (outage === undefined) return;
    if (to === 'half-open') outage.attempts += 1;
    if (from === 'half-open' && to === 'open') outage.reopened += 1;
    if (to === 'closed') outage.extend(at);
    this.#changed.add(outage);
  }

  /** Updates an outage after the states of a breaker's agents changed. */
  observe(subject: OutageSubject, now: number): void {
    const outage = this.#current.get(subject.id);
    if (outage === undefined) return;
    outage.observe(subject, now);
    this.#changed.add(outage);
  }

  /** The override that explains the state of an outage: one that forces open circuits open, or closed ones closed. */
  holdOf(outage: Outage): OutageHold | undefined {
    if (outage.over) return undefined;
    return outage.heldBy(this.#overrides, outage.closedAt === undefined ? 'ForceOpen' : 'ForceClosed');
  }

  /** Adds calls of a breaker since the time `from`, in the order of `SUMMED`. */
  count(subject: OutageSubject, counts: readonly number[], from: number, at: number): void {
    const outage = this.#current.get(subject.id);
    if (outage === undefined) return;
    outage.count(counts, from, at);
    this.#changed.add(outage);
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
      const { closedAt, subject } = outage;
      if (subject === undefined) {
        if (now < this.#reconnectUntil) continue;
      } else if (closedAt === undefined || now - closedAt < QUIET_MS) continue;
      else ended.push(subject);
      this.#end(breakerId, outage);
    }
    for (const outages of this.#kept.values()) {
      for (const outage of outages) if (outage.over && now - outage.closedAt! >= KEPT_MS) this.#forget(outage);
    }
    return ended;
  }

  /**
   * Restores outages of an earlier process, up to the limits, those that ended last first. One that lasted continues
   * when an agent reports that its circuit is open. Otherwise it ended with the latest report about it.
   *
   * @throws when the series of one cannot be read.
   */
  restore(saved: readonly SavedOutage[], now: number): void {
    this.#reconnectUntil = now + RECONNECT_MS;
    const endOf = ({ over, closed }: SavedOutage) => (over ? (closed ?? 0) : Number.POSITIVE_INFINITY);
    for (const one of [...saved].sort((a, b) => endOf(b) - endOf(a) || b.began - a.began)) {
      const { namespace, id, breakerId } = one;
      const outage = Outage.restored(one, this.#date(0));
      const twice = !outage.over && this.#current.has(breakerId);
      if (twice || this.#exhausted(namespace) !== undefined) {
        this.#removed.push({ namespace, id });
        continue;
      }
      this.#keep(outage);
      this.#takenAt.set(outage, now);
      if (!outage.over) this.#current.set(breakerId, outage);
    }
  }

  /**
   * Takes what changed since it was last taken, so that the caller saves it: at most `max` outages, and the keys of all
   * that were removed. Others follow with the next call.
   *
   * @param intervalMs an outage that continues and was taken less than this ago is not taken.
   */
  drainChanges(
    now: number,
    { max, intervalMs }: { readonly max: number; readonly intervalMs: number },
  ): { readonly changed: SavedOutage[]; readonly removed: OutageKey[] } {
    for (const outage of this.#current.values()) {
      if (outage.closedAt === undefined && now - this.#lastTaken(outage) >= SAVE_AGAIN_MS) this.#changed.add(outage);
    }
    const changed: SavedOutage[] = [];
    for (const outage of this.#changed) {
      if (changed.length >= max) break;
      if (!outage.over && now - this.#lastTaken(outage) < intervalMs) continue;
      this.#changed.delete(outage);
      this.#takenAt.set(outage, now);
      changed.push(outage.save(this.#date));
    }
    const removed = this.#removed;
    this.#removed = [];
    return { changed, removed };
  }

  #lastTaken(outage: Outage): number {
    return this.#takenAt.get(outage) ?? Number.NEGATIVE_INFINITY;
  }

  /** The current outage that an opening continues. One from before a restart that it does not continue is ended. */
  #resumed(subject: OutageSubject, opening: Opening): Outage | undefined {
    const known = this.#current.get(subject.id);
    if (known === undefined || known.subject !== undefined) return known;
    if (!known.isContinuedBy(opening)) {
      this.#end(subject.id, known);
      return undefined;
    }
    known.subject = subject;
    return known;
  }

  #end(breakerId: string, outage: Outage): void {
    outage.end();
    this.#current.delete(breakerId);
    this.#changed.add(outage);
  }

  /** Adds an outage, for which `#exhausted` or `#makeRoom` took its place. */
  #keep(outage: Outage): void {
    this.#kept.set(outage.namespace, (this.#kept.get(outage.namespace) ?? new Set()).add(outage));
  }

  #act(outage: Outage): void {
    for (const override of this.#overrides) if (outage.act(override)) this.#changed.add(outage);
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

  /** Takes a place for an outage of a namespace; returns the limit when there is none. */
  #exhausted(namespace: string): 'outages-of-namespace' | 'outages' | undefined {
    if ((this.#kept.get(namespace)?.size ?? 0) >= MAX_OUTAGES_OF_NAMESPACE) return 'outages-of-namespace';
    return this.#share.take(namespace, undefined) && 'outages';
  }

  /** Takes a place, if necessary that of the outage that ended first: of the namespace, or of one that has more. */
  #makeRoom(namespace: string): boolean {
    const reason = this.#exhausted(namespace);
    if (reason === undefined) return true;
    this.#limits.reached(reason, { namespace });
    // Where all are current, no outage is looked at, however many circuits open.
    if (this.#current.size === this.#share.used) return false;
    const own = this.#kept.get(namespace) ?? new Set();
    let oldest = firstEnded(own);
    if (oldest === undefined && reason === 'outages') {
      const larger = [...this.#kept.values()].filter(({ size }) => size > own.size + 1);
      for (const outages of larger.sort((a, b) => b.size - a.size)) oldest ??= firstEnded(outages);
    }
    if (oldest === undefined) return false;
    this.#forget(oldest);
    this.#share.add(namespace, undefined);
    return true;
  }

  #forget(outage: Outage): void {
    const outages = this.#kept.get(outage.namespace)!;
    outages.delete(outage);
    this.#changed.delete(outage);
    if (this.#takenAt.delete(outage)) this.#removed.push({ namespace: outage.namespace, id: outage.id });
    this.#share.release(outage.namespace, undefined);
    if (outages.size === 0) this.#kept.delete(outage.namespace);
  }
}

function firstEnded(outages: Iterable<Outage>): Outage | undefined {
  let first: Outage | undefined;
  for (const outage of outages) {
    if (outage.over && (first === undefined || outage.closedAt! < first.closedAt!)) first = outage;
  }
  return first;
}

/** Whether an opening has nothing to do with the outage before it: one was forced, and the other was not. */
function isAnother(known: Outage, opening: Opening): boolean {
  if (opening.reason === undefined || isForced(known) === isForced(opening)) return false;
  return isForced(known) || known.closedAt !== undefined;
}
