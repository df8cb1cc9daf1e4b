import { noOpQueueObserver, type QueueObserver } from '../../ports/queue-observer.ts';

/** A write that is due, and how to say how it went. */
export interface Due<T> {
  readonly key: string;
  readonly item: T;
}

/** Why something is written: nothing is stored of it, something older is, or only its state is different. */
export type Priority = 'new' | 'changed' | 'refreshed';

export interface Urgency {
  /** Absent: refreshed. */
  readonly priority?: Priority;
  /** The version of the item's object: a new version ends the wait after a failure. Absent: always the same. */
  readonly version?: number;
}

export interface Failure {
  /** How long the server asked to be left alone, in milliseconds; ten minutes are believed. Absent: it did not. */
  readonly askedMs?: number | undefined;
  /** Whether the server refused this item, as opposed to every item now. Absent: it did not. */
  readonly refused?: boolean;
}

interface Slot<T> {
  item: T | undefined;
  intervalMs: number;
  priority: Priority;
  version: number | undefined;
  /** When the pause after the last write ends. */
  restsUntil: number;
  notBefore: number;
  failures: number;
  refused: boolean;
  busy: boolean;
}

const RANKS: readonly Priority[] = ['new', 'changed', 'refreshed'];
/** Every nth write is that of the item that has waited longest, so that new items starve no other. */
const TURN = 4;
/** How many writes that failed before may be under way: those that get no answer leave room for the others. */
const MAX_RETRIES_IN_FLIGHT = 2;
const MAX_WAIT_MS = 30_000;
const MAX_REFUSED_WAIT_MS = 300_000;

/**
 * Which write is next: one slot for each key, where a newer item replaces one that was not yet taken; a pause between
 * two writes of a key; a limit over all; new items before changed ones before refreshed ones, and refused ones last.
 * Pure: it sees only the time that it is given, in milliseconds.
 */
export class WriteQueue<T> {
  readonly #perSecond: number;
  readonly #retryMs: number;
  readonly #observer: QueueObserver;
  readonly #slots = new Map<string, Slot<T>>();
  /** Slots that have an item. */
  #waiting = 0;
  /** Writes under way of keys that failed before. */
  #retrying = 0;
  #turn = 0;
  /** When the last `perSecond` writes were taken, oldest first. */
  readonly #taken: number[] = [];

  /**
   * @param limits.perSecond how many writes, over all keys, any second may see.
   * @param limits.retryMs the wait after a first failure, in milliseconds. Absent: 1 000.
   */
  constructor(
    limits: { readonly perSecond: number; readonly retryMs?: number | undefined },
    observer: QueueObserver = noOpQueueObserver,
  ) {
    this.#observer = observer;
    this.#perSecond = limits.perSecond;
    this.#retryMs = limits.retryMs ?? 1000;
  }

  /** Keys that are waiting, being written or pausing. */
  get size(): number {
    return this.#slots.size;
  }

  /** Whether a write of this key is waiting or under way. */
  isActive(key: string): boolean {
    const slot = this.#slots.get(key);
    return slot !== undefined && (slot.busy || slot.item !== undefined);
  }

  /** @param intervalMs the least time between the begin of two writes of this key. */
  put(key: string, item: T, intervalMs: number, { priority = 'refreshed', version }: Urgency = {}): void {
    const slot = this.#slots.get(key);
    this.#observer.added(key);
    if (slot?.item === undefined) this.#waiting += 1;
    if (slot === undefined) {
      const rest = { restsUntil: 0, notBefore: 0, failures: 0, refused: false, busy: false };
      this.#slots.set(key, { item, intervalMs, priority, version, ...rest });
      return;
    }
    if (slot.version !== version && !slot.busy) {
      Object.assign(slot, { failures: 0, refused: false, notBefore: slot.restsUntil });
    }
    Object.assign(slot, { item, intervalMs, priority, version });
  }

  /**
   * Takes the write that is due; a number says in how many milliseconds one may be, and nothing that none is waiting.
   */
  take(now: number): Due<T> | number | undefined {
    const allowedAt = this.#taken.length < this.#perSecond ? now : this.#taken[0]! + 1000;
    if (allowedAt > now && this.#waiting > 0) return allowedAt - now;
    const longestFirst = this.#turn % TURN === TURN - 1;
    let soonest: number | undefined;
    let best: { readonly key: string; readonly slot: Slot<T>; readonly rank: number } | undefined;
    for (const [key, slot] of this.#slots) {
      if (slot.busy) continue;
      if (slot.item === undefined) {
        if (slot.notBefore <= now) this.#slots.delete(key);
        continue;
      }
      if (slot.failures > 0 && this.#retrying >= MAX_RETRIES_IN_FLIGHT) continue;
      const wait = slot.notBefore - now;
      if (wait > 0) {
        soonest = Math.min(soonest ?? wait, wait);
        continue;
      }
      const rank = slot.refused ? RANKS.length : RANKS.indexOf(slot.priority);
      if (best === undefined || rank < best.rank) best = { key, slot, rank };
      if (longestFirst || rank === 0) break;
    }
    return best === undefined ? soonest : this.#begin(best.key, best.slot, now);
  }

  /**
   * The write that was taken is over, and nothing of it remains to be done.
   *
   * @param result how it ended. Absent: well.
   */
  done(key: string, result: 'success' | 'error' = 'success'): void {
    const slot = this.#slots.get(key);
    this.#observer.done(key, result);
    if (!slot) return;
    this.#end(slot);
    Object.assign(slot, { failures: 0, refused: false });
  }

  /** The write that was taken last needed no request, and does not count. */
  skipped(key: string): void {
    this.#taken.pop();
    this.done(key);
  }

  /**
   * The write that was taken failed: it, or the newer item that replaced it, is due again after a wait that doubles.
   *
   * @returns false when the key was dropped meanwhile, and nothing is tried again.
   */
  failed(key: string, item: T, now: number, { askedMs = 0, refused = false }: Failure = {}): boolean {
    const slot = this.#slots.get(key);
    this.#observer.done(key, 'error');
    if (!slot) return false;
    this.#observer.retried(key);
    this.#observer.added(key);
    if (slot.item === undefined) this.#waiting += 1;
    this.#end(slot);
    const grown = this.#retryMs * 2 ** Math.min(slot.failures, 20);
    const wait = Math.max(Math.min(refused ? MAX_REFUSED_WAIT_MS : MAX_WAIT_MS, grown), Math.min(askedMs, 600_000));
    Object.assign(slot, {
      refused,
      failures: slot.failures + 1,
      item: slot.item ?? item,
      notBefore: Math.max(slot.notBefore, now + wait),
    });
    return true;
  }

  /** The object of the key was deleted: a waiting write is dropped, and a running one is not retried. */
  drop(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    if (slot.busy) this.#end(slot);
    if (slot.item !== undefined) {
      this.#waiting -= 1;
      this.#observer.dropped(key);
    }
    this.#slots.delete(key);
  }

  #begin(key: string, slot: Slot<T>, now: number): Due<T> {
    const item = slot.item!;
    const restsUntil = now + slot.intervalMs;
    this.#turn += 1;
    this.#waiting -= 1;
    if (slot.failures > 0) this.#retrying += 1;
    this.#taken.push(now);
    if (this.#taken.length > this.#perSecond) this.#taken.shift();
    // Last in the order: no key waits behind another that is always due.
    this.#slots.delete(key);
    this.#slots.set(key, { ...slot, item: undefined, busy: true, restsUntil, notBefore: restsUntil });
    this.#observer.taken(key);
    return { key, item };
  }

  #end(slot: Slot<T>): void {
    if (slot.busy && slot.failures > 0) this.#retrying -= 1;
    slot.busy = false;
  }
}
