/** A call that is given up when its time comes. Owned by whoever keeps it between `add` and its end. */
export interface Deadline {
  /**
   * When the time is up, in milliseconds of the clock; set by whoever keeps it. From `add` until the first tick, the
   * negative of the wait in milliseconds; 0 once the time is up and `expire` is about to be called.
   */
  dueAt: number;
  /** Neighbours in the list that the deadline is in; null outside of any list. */
  previous: Deadline | null;
  next: Deadline | null;
  /** The time is up. Must not throw; does nothing when the call has ended in between. */
  expire(): void;
}

/** Where calls wait for their time limit. */
export interface Timeouts {
  /** Lets a deadline expire after at least `ms`. */
  add(deadline: Deadline, ms: number): void;
  /** Adds a deadline that a caller depends on: the process does not exit before it. */
  hold(deadline: Deadline, ms: number): void;
  /** Takes a deadline out again; one that has already left is left alone. */
  remove(deadline: Deadline): void;
}

/** A power of two, so that a slot is found by masking. */
const SLOTS = 512;
const MASK = SLOTS - 1;

/** A circular list with a head that is no deadline, so that leaving needs no look at the list. */
class Head implements Deadline {
  dueAt = 0;
  previous: Deadline = this;
  next: Deadline = this;
  expire(): void {}
}

/**
 * Deadlines hashed by time into a ring of lists, so that adding and removing cost the same however many there are.
 * After G. Varghese and A. Lauck, Hashed and Hierarchical Timing Wheels (1987), scheme 6. What is added between two
 * ticks gets its time at the second: that costs no reading of the clock, nothing expires early, and what ends within a
 * tick, as most calls do, never enters the ring.
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

  /** How many deadlines wait. */
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
  takeDue(now: number): Deadline[] {
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

  /** Gives their time to the deadlines that were added since the last tick. */
  #place(now: number): void {
    const fresh = this.#fresh;
    for (let each = fresh.next; each !== fresh; each = fresh.next) {
      unlink(each);
      // A field that holds whole numbers only costs no allocation.
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
