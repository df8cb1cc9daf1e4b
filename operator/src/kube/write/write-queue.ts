import { noOpQueueObserver, type QueueObserver } from '../../ports/queue-observer.ts';

/** A write that is due, and how to say how it went. */
export interface Due<T> {
  readonly key: string;
  readonly item: T;
}

interface Slot<T> {
  item: T | undefined;
  intervalMs: number;
  notBefore: number;
  failures: number;
  busy: boolean;
}

/**
 * Which write is next: one slot for each key, where a newer item replaces one that was not yet taken; a pause between
 * two writes of a key; a limit over all. Pure: it sees only the time that it is given, in milliseconds.
 */
export class WriteQueue<T> {
  readonly #perSecond: number;
  readonly #retryMs: number;
  readonly #observer: QueueObserver;
  readonly #slots = new Map<string, Slot<T>>();
  /** Slots that have an item. */
  #waiting = 0;
  /** When the last `perSecond` writes were taken, oldest first. */
  readonly #taken: number[] = [];

  /**
   * @param limits.perSecond how many writes, over all keys, any second may see.
   * @param limits.retryMs the wait after a first failure, in milliseconds. Absent: 1 000.
   */
  constructor(
    limits: { readonly perSecond: number; readonly retryMs?: number },
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
  put(key: string, item: T, intervalMs: number): void {
    const slot = this.#slots.get(key);
    this.#observer.added(key);
    if (slot?.item === undefined) this.#waiting += 1;
    if (slot) Object.assign(slot, { item, intervalMs });
    else this.#slots.set(key, { item, intervalMs, notBefore: 0, failures: 0, busy: false });
  }

  /**
   * Takes the write that is due; a number says in how many milliseconds one may be, and nothing that none is waiting.
   */
  take(now: number): Due<T> | number | undefined {
    const allowedAt = this.#taken.length < this.#perSecond ? now : this.#taken[0]! + 1000;
    if (allowedAt > now && this.#waiting > 0) return allowedAt - now;
    let soonest: number | undefined;
    for (const [key, slot] of this.#slots) {
      if (slot.busy) continue;
      if (slot.item === undefined) {
        if (slot.notBefore <= now) this.#slots.delete(key);
        continue;
      }
      const wait = slot.notBefore - now;
      if (wait > 0) {
        soonest = Math.min(soonest ?? wait, wait);
        continue;
      }
      const { item } = slot;
      this.#waiting -= 1;
      this.#taken.push(now);
      if (this.#taken.length > this.#perSecond) this.#taken.shift();
      // Last in the order: no key waits behind another that is always due.
      this.#slots.delete(key);
      this.#slots.set(key, { ...slot, item: undefined, busy: true, notBefore: now + slot.intervalMs });
      this.#observer.taken(key);
      return { key, item };
    }
    return soonest;
  }

  /**
   * The write that was taken is over, and nothing of it remains to be done.
   *
   * @param result how it ended. Absent: well.
   */
  done(key: string, result: 'success' | 'error' = 'success'): void {
    const slot = this.#slots.get(key);
    this.#observer.done(key, result);
    if (slot) Object.assign(slot, { busy: false, failures: 0 });
  }

  /** The write that was taken failed: it is due again after a wait that doubles, unless a newer item replaced it. */
  failed(key: string, item: T, now: number, askedMs = 0): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    this.#observer.done(key, 'error');
    this.#observer.retried(key);
    this.#observer.added(key);
    if (slot.item === undefined) this.#waiting += 1;
    const wait = Math.max(
      Math.min(30_000, this.#retryMs * 2 ** Math.min(slot.failures, 20)),
      Math.min(askedMs, 600_000),
    );
    Object.assign(slot, {
      busy: false,
      failures: slot.failures + 1,
      item: slot.item ?? item,
      notBefore: Math.max(slot.notBefore, now + wait),
    });
  }
}
