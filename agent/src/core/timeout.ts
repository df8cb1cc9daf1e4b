/** A call that is given up when its time comes. Owned by whoever keeps it between `add` and `remove`. */
export interface Deadline {
  /** When the time is up, in milliseconds of the clock. */
  readonly dueAt: number;
  /** Neighbours in the list that the deadline is in. */
  previous: Deadline | null;
  next: Deadline | null;
  /** The time is up. Must not throw; does nothing when the call has ended in between. */
  expire(): void;
}

/** Where calls wait for their time limit. */
export interface Timeouts {
  add(deadline: Deadline): void;
  /** Takes a deadline out again; one that has already left is left alone. */
  remove(deadline: Deadline): void;
}

/** A power of two, so that a slot is found by masking. */
const SLOTS = 512;
const MASK = SLOTS - 1;

/**
 * Deadlines hashed by time into a ring of lists, so that adding and removing cost the same however many there are.
 * After G. Varghese and A. Lauck, Hashed and Hierarchical Timing Wheels (1987), scheme 6.
 */
export class TimeoutWheel {
  size = 0;
  readonly #tickMs: number;
  readonly #slots: (Deadline | null)[] = new Array<Deadline | null>(SLOTS).fill(null);
  /** The first tick whose slot may hold something that is due. */
  #tick = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  add(deadline: Deadline): void {
    const tick = Math.floor(deadline.dueAt / this.#tickMs);
    if (tick < this.#tick) this.#tick = tick;
    this.size++;
    const slot = tick & MASK;
    const head = this.#slots[slot]!;
    deadline.next = head;
    if (head !== null) head.previous = deadline;
    this.#slots[slot] = deadline;
  }

  remove(deadline: Deadline): void {
    const { previous, next } = deadline;
    const slot = Math.floor(deadline.dueAt / this.#tickMs) & MASK;
    if (previous !== null) previous.next = next;
    else if (this.#slots[slot] === deadline) this.#slots[slot] = next;
    else return;
    if (next !== null) next.previous = previous;
    deadline.previous = null;
    deadline.next = null;
    this.size--;
  }

  /** Takes out everything whose time is up, the earliest first. */
  takeDue(now: number): Deadline[] {
    const due: Deadline[] = [];
    if (this.size === 0) return due;
    const last = Math.floor(now / this.#tickMs);
    const first = Math.max(this.#tick, last - SLOTS + 1);
    for (let tick = first; tick <= last; tick++) {
      for (let each = this.#slots[tick & MASK] ?? null; each !== null; ) {
        const { next } = each;
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
}
