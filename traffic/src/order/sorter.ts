import { type Call, OUTCOMES, type Outcome } from '../call.ts';
import { grown, TextColumn } from './text-column.ts';

/** Limits the calls that all sorters of one reading hold together. */
export class SlotBudget {
  readonly limit: number;
  used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }
}

const NO_STATUS = -1;
const BATCH = 1024;

/**
 * Sorts nearly sorted calls by start: a binary heap over columns, with 37 bytes for a call. A call leaves the heap when
 * no earlier one can arrive, or when the budget is exhausted.
 */
export class Sorter {
  readonly #budget: SlotBudget;
  #capacity = 0;
  #starts = new Float64Array(0);
  #durations = new Float64Array(0);
  /** Arrival numbers, so that calls with the same start keep their order; the counter wraps around. */
  #arrivals = new Uint32Array(0);
  #arrived = 0;
  #outcomes = new Uint8Array(0);
  #statuses = new Int16Array(0);
  readonly #errors = new TextColumn();
  readonly #breakers = new TextColumn();
  readonly #instances = new TextColumn();
  readonly #keys = new TextColumn();
  readonly #callers = new TextColumn();
  /** Slots of the columns: the first `#size` are the heap, the others are free. */
  #heap = new Uint32Array(0);
  #size = 0;
  #frontier = Number.NEGATIVE_INFINITY;
  #released = Number.NEGATIVE_INFINITY;
  #ready: Call[] = [];

  constructor(budget: SlotBudget) {
    this.#budget = budget;
  }

  /** The start of the last call that left. An earlier call can no longer be sorted. */
  get frontier(): number {
    return this.#frontier;
  }

  push(call: Call): void {
    if (this.#budget.used >= this.#budget.limit && this.#size > 0) this.#pop();
    if (this.#size === this.#capacity) this.#grow();
    const slot = this.#heap[this.#size]!;
    this.#starts[slot] = call.start;
    this.#durations[slot] = call.durationMs;
    this.#arrivals[slot] = this.#arrived++;
    this.#outcomes[slot] = OUTCOMES.indexOf(call.outcome);
    this.#statuses[slot] = call.status ?? NO_STATUS;
    this.#errors.set(slot, call.error);
    this.#breakers.set(slot, call.breaker);
    this.#instances.set(slot, call.instance);
    this.#keys.set(slot, call.key);
    this.#callers.set(slot, call.from);
    this.#up(this.#size++, slot);
    this.#budget.used++;
  }

  /** Marks all calls before a time as ready for `take`. */
  release(before: number): void {
    if (before > this.#released) this.#released = before;
  }

  /** Some of the ready calls, in order; empty when there are none. */
  take(): Call[] {
    while (this.#size > 0 && this.#ready.length < BATCH && this.#starts[this.#heap[0]!]! < this.#released) this.#pop();
    const taken = this.#ready;
    if (taken.length > 0) this.#ready = [];
    return taken;
  }

  #pop(): void {
    const slot = this.#heap[0]!;
    const status = this.#statuses[slot]!;
    const call: Call = {
      start: this.#starts[slot]!,
      durationMs: this.#durations[slot]!,
      outcome: OUTCOMES[this.#outcomes[slot]!] as Outcome,
      breaker: this.#breakers.get(slot)!,
    };
    if (status !== NO_STATUS) call.status = status;
    const error = this.#errors.get(slot);
    const instance = this.#instances.get(slot);
    const key = this.#keys.get(slot);
    const from = this.#callers.get(slot);
    if (error !== undefined) call.error = error;
    if (instance !== undefined) call.instance = instance;
    if (key !== undefined) call.key = key;
    if (from !== undefined) call.from = from;
    this.#frontier = call.start;
    this.#ready.push(call);
    this.#budget.used--;
    const last = this.#heap[--this.#size]!;
    this.#heap[this.#size] = slot;
    if (this.#size > 0) this.#down(last);
  }

  #isBefore(one: number, other: number): boolean {
    const difference = this.#starts[one]! - this.#starts[other]!;
    return difference < 0 || (difference === 0 && ((this.#arrivals[one]! - this.#arrivals[other]!) | 0) < 0);
  }

  #up(at: number, slot: number): void {
    let hole = at;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#isBefore(slot, this.#heap[parent]!)) break;
      this.#heap[hole] = this.#heap[parent]!;
      hole = parent;
    }
    this.#heap[hole] = slot;
  }

  #down(slot: number): void {
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (right < this.#size && this.#isBefore(this.#heap[right]!, this.#heap[child]!)) child = right;
      if (!this.#isBefore(this.#heap[child]!, slot)) break;
      this.#heap[hole] = this.#heap[child]!;
      hole = child;
    }
    this.#heap[hole] = slot;
  }

  #grow(): void {
    const capacity = Math.max(1024, Math.min(this.#capacity * 2, this.#capacity + 65_536));
    this.#starts = grown(this.#starts, new Float64Array(capacity));
    this.#durations = grown(this.#durations, new Float64Array(capacity));
    this.#arrivals = grown(this.#arrivals, new Uint32Array(capacity));
    this.#outcomes = grown(this.#outcomes, new Uint8Array(capacity));
    this.#statuses = grown(this.#statuses, new Int16Array(capacity));
    for (const column of [this.#errors, this.#breakers, this.#instances, this.#keys, this.#callers])
      column.grow(capacity);
    this.#heap = grown(this.#heap, new Uint32Array(capacity));
    for (let slot = this.#capacity; slot < capacity; slot++) this.#heap[slot] = slot;
    this.#capacity = capacity;
  }
}
