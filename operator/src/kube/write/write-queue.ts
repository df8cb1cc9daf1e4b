import { noOpQueueObserver, type QueueObserver } from '../../ports/queue-observer.ts';

/** A write that is due. */
export interface Due<T> {
  readonly key: string;
  readonly item: T;
}

/** The reason for a write: nothing is stored, the stored version is older, or only the state differs. */
export type Priority = 'new' | 'changed' | 'refreshed';

export interface Urgency {
  /** Priority; absent: `refreshed`. */
  readonly priority?: Priority;
  /** The version of the object. A new version ends the delay after a failure. Absent: the version never changes. */
  readonly version?: number;
}

export interface Failure {
  /** The server's Retry-After, in milliseconds, limited to ten minutes; absent when there was none. */
  readonly askedMs?: number | undefined;
  /** Whether the server refused only this item; absent or false: it refused every item. */
  readonly refused?: boolean;
}

interface Slot<T> {
  item: T | undefined;
  intervalMs: number;
  priority: Priority;
  version: number | undefined;
  /** The version of the last taken item. */
  taken: number | undefined;
  /** When the minimum interval after the last write ends. */
  restsUntil: number;
  notBefore: number;
  failures: number;
  refused: boolean;
  busy: boolean;
}

const RANKS: readonly Priority[] = ['new', 'changed', 'refreshed'];
/** Every nth write takes the longest waiting item, so that new items do not starve the others. */
const TURN = 4;
/** Limit of concurrent retries, so that items without a response leave room for the others. */
const MAX_RETRIES_IN_FLIGHT = 2;
const MAX_WAIT_MS = 30_000;
const MAX_REFUSED_WAIT_MS = 300_000;
const MAX_ASKED_MS = 600_000;

/**
 * Chooses the next write. Each key has one slot, in which a newer item replaces a waiting one. A minimum interval
 * separates two writes of a key, and a rate limit applies to all keys. New items come before changed ones, changed
 * before refreshed ones, and refused ones last. Pure: each call gets the time, in milliseconds.
 */
export class WriteQueue<T> {
  readonly #perSecond: number;
  readonly #retryMs: number;
  readonly #observer: QueueObserver;
  readonly #slots = new Map<string, Slot<T>>();
  /** Number of slots with a waiting item. */
  #waiting = 0;
  /** Number of running writes of keys that have failed before. */
  #retrying = 0;
  #turn = 0;
  /** The times of the last `perSecond` writes, the oldest first. */
  readonly #taken: number[] = [];

  /**
   * @param limits.perSecond maximum number of writes per second over all keys.
   * @param limits.retryMs the delay after the first failure, in milliseconds; absent: 1 000.
   */
  constructor(
    limits: { readonly perSecond: number; readonly retryMs?: number | undefined },
    observer: QueueObserver = noOpQueueObserver,
  ) {
    this.#observer = observer;
    this.#perSecond = limits.perSecond;
    this.#retryMs = limits.retryMs ?? 1000;
  }

  /** Number of keys with a waiting item. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a write of this key is waiting or running. */
  isActive(key: string): boolean {
    const slot = this.#slots.get(key);
    return slot !== undefined && (slot.busy || slot.item !== undefined);
  }

  /** @param intervalMs minimum time between the starts of two writes of this key. */
  put(key: string, item: T, intervalMs: number, { priority = 'refreshed', version }: Urgency = {}): void {
    const slot = this.#slots.get(key);
    this.#observer.added(key);
    if (slot?.item === undefined) this.#waiting += 1;
    if (slot === undefined) {
      const rest = { taken: undefined, restsUntil: 0, notBefore: 0, failures: 0, refused: false, busy: false };
      this.#slots.set(key, { item, intervalMs, priority, version, ...rest });
      return;
    }
    if (slot.version !== version && !slot.busy) {
      Object.assign(slot, { failures: 0, refused: false, notBefore: slot.restsUntil });
    }
    Object.assign(slot, { item, intervalMs, priority, version });
  }

  /**
   * Takes the next due write. Returns a number of milliseconds when a write is due later, and undefined when none is
   * waiting.
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
   * Ends a write that needs no retry.
   *
   * @param result the outcome; absent: success.
   */
  done(key: string, result: 'success' | 'error' = 'success'): void {
    const slot = this.#slots.get(key);
    this.#observer.done(key, result);
    if (!slot) return;
    this.#end(slot);
    Object.assign(slot, { failures: 0, refused: false });
  }

  /** Ends the last taken write without a request, so that it does not count for the rate limit. */
  skipped(key: string): void {
    this.#taken.pop();
    this.done(key);
  }

  /**
   * Ends a failed write. Its item, or a newer one, is due again after a delay that doubles.
   *
   * @returns false when the key was dropped during the write, so that there is no retry.
   */
  failed(key: string, item: T, now: number, { askedMs = 0, refused = false }: Failure = {}): boolean {
    const slot = this.#slots.get(key);
    this.#observer.done(key, 'error');
    if (!slot) return false;
    this.#observer.retried(key);
    this.#observer.added(key);
    if (slot.item === undefined) this.#waiting += 1;
    this.#end(slot);
    const waitMs = Math.min(askedMs, MAX_ASKED_MS);
    // A new version that was put during the write has not failed.
    const isNew = slot.item !== undefined && slot.version !== slot.taken;
    if (isNew) {
      Object.assign(slot, { failures: 0, refused: false, notBefore: Math.max(slot.restsUntil, now + waitMs) });
      return true;
    }
    const grown = this.#retryMs * 2 ** Math.min(slot.failures, 20);
    const wait = Math.max(Math.min(refused ? MAX_REFUSED_WAIT_MS : MAX_WAIT_MS, grown), waitMs);
    Object.assign(slot, {
      refused,
      failures: slot.failures + 1,
      item: slot.item ?? item,
      notBefore: Math.max(slot.notBefore, now + wait),
    });
    return true;
  }

  /** Drops a key after its object was deleted: a waiting write is removed, and a running one is not retried. */
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
    // The key moves to the end of the order, so that a key that is always due does not delay the others.
    this.#slots.delete(key);
    this.#slots.set(key, {
      ...slot,
      item: undefined,
      taken: slot.version,
      busy: true,
      restsUntil,
      notBefore: restsUntil,
    });
    this.#observer.taken(key);
    return { key, item };
  }

  #end(slot: Slot<T>): void {
    if (slot.busy && slot.failures > 0) this.#retrying -= 1;
    slot.busy = false;
  }
}
