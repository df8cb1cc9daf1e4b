/** The time limit of a call. Between `add` and its end, only its `Timeouts` may change the fields. */
export interface Deadline {
  /**
   * The time of the limit, in milliseconds of the clock. From `add` until the first tick, the negative of the remaining
   * milliseconds; 0 once the limit has passed and `expire` is about to be called.
   */
  dueAt: number;
  /** The neighbours in its list; null outside of a list. */
  previous: Deadline | null;
  next: Deadline | null;
  /** Called when the limit has passed. Must not throw, and does nothing when the call has ended meanwhile. */
  expire(): void;
}

/** The timers of time limits. */
export interface Timeouts {
  /** Lets a deadline expire after at least `ms`. */
  add(deadline: Deadline, ms: number): void;
  /** Like `add`, and keeps the process alive until then. */
  hold(deadline: Deadline, ms: number): void;
  /** Removes a deadline; does nothing when it is not in a list. */
  remove(deadline: Deadline): void;
}

/** A power of two, so that a slot is found by masking. */
const SLOTS = 512;
const MASK = SLOTS - 1;

/** The head of a circular list, so that a deadline is removed without access to its list. */
class Head implements Deadline {
  dueAt = 0;
  previous: Deadline = this;
  next: Deadline = this;
  expire(): void {}
}

/**
 * Deadlines hashed by time into a ring of lists, so that adding and removing cost the same however many there are.
 * After G. Varghese and A. Lauck, Hashed and Hierarchical Timing Wheels (1987), scheme 6. A new deadline enters the
 * ring at the next tick. So adding reads no clock, no deadline expires early, and calls that end before the tick, as
 * most do, never enter the ring.
 *
 * @internal
 */
export class TimeoutWheel {
  readonly #tickMs: number;
  readonly #slots: Head[] = Array.from({ length: SLOTS }, () => new Head());
  readonly #fresh = new Head();
  #size = 0;
  /** The first tick with a slot that may contain due entries. */
  #tick = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** Number of deadlines. */
  get size(): number {
    return this.#size;
  }

  add(deadline: Deadline, ms: number): void {
    deadline.dueAt = -ms;
    this.#size++;
    link(this.#fresh, deadline);
  }

  remove(deadline: Deadline): void {
    if (unlink(deadline)) this.#size--;
  }

  /** Removes all due entries, the earliest first. */
  removeDue(now: number): Deadline[] {
    const due: Deadline[] = [];
    if (this.#size === 0) return due;
    this.#place(now);
    const last = Math.floor(now / this.#tickMs);
    const first = Math.max(this.#tick, last - SLOTS + 1);
    for (let tick = first; tick <= last; tick++) {
      const head = this.#slots[tick & MASK]!;
      for (let each = head.next; each !== head; ) {
        const next = each.next!;
        if (each.dueAt <= now) {
          this.remove(each);
          due.push(each);
        }
        each = next;
      }
    }
    this.#tick = Math.max(this.#tick, last);
    return due.sort((a, b) => a.dueAt - b.dueAt);
  }

  /** Moves the deadlines that were added since the last tick into the ring. */
  #place(now: number): void {
    const fresh = this.#fresh;
    for (let each = fresh.next; each !== fresh; each = fresh.next) {
      unlink(each);
      // The engine stores whole numbers in the object, and each fraction in an object of its own.
      each.dueAt = Math.ceil(now - each.dueAt);
      link(this.#slots[Math.floor(each.dueAt / this.#tickMs) & MASK]!, each);
    }
  }
}

function link(head: Head, deadline: Deadline): void {
  const { next } = head;
  deadline.previous = head;
  deadline.next = next;
  next.previous = deadline;
  head.next = deadline;
}

function unlink(deadline: Deadline): boolean {
  const { previous, next } = deadline;
  if (previous === null || next === null) return false;
  previous.next = next;
  next.previous = previous;
  deadline.previous = null;
  deadline.next = null;
  return true;
}
