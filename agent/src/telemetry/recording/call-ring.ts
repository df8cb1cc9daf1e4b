/** Numbers per call in the ring: start, duration, and two that are packed: see `kindOf` and `namesOf`. */
const STRIDE = 4;

/** Outcomes as numbers, in the order of the words in a recording. */
export const OUTCOME_CODES = { success: 0, failure: 1, ignored: 2, rejected: 3 } as const;
export type OutcomeCode = (typeof OUTCOME_CODES)[keyof typeof OUTCOME_CODES];

/** The code for neither a status nor an error. */
export const NOTHING_SEEN = -1;

/** An error id as a code in place of a status: below -1, so that both fit into one number. */
export const errorSeen = (id: number): number => -2 - id;

/** Upper limit of name ids. */
export const MAX_IDS = 1_048_576;

/**
 * What happened to a call as one number.
 *
 * @param seen an HTTP status, `errorSeen(…)`, or `NOTHING_SEEN`.
 * @param inForce whether a policy could have rejected the call.
 */
export const kindOf = (outcome: OutcomeCode, seen: number, inForce: boolean): number =>
  seen * 8 + (inForce ? 4 : 0) + outcome;

/** The names of a call as one number, by the ids of the breaker and of the key. */
export const namesOf = (breaker: number, key: number): number => breaker * MAX_IDS + key;

/** A call read from the ring. */
export interface RingCall {
  start: number;
  durationMs: number;
  outcome: OutcomeCode;
  inForce: boolean;
  /** A status; -1 for none; lower values for an error. */
  seen: number;
  breaker: number;
  key: number;
}

/**
 * A bounded queue of calls as plain numbers, 32 bytes each, so that recording allocates no memory. A call that is added
 * is compared with one place only, where the array ends or the queue is to hold no more.
 */
export class CallRing {
  readonly #numbers: Float64Array;
  #limit: number;
  /** Where the oldest call is, and where the next one goes. */
  #first = 0;
  #next = 0;
  /** Whether calls continue at the start of the array. */
  #wrapped = false;
  /** The place that ends the fast path of adding. */
  #stop = 0;

  /** @param capacity maximum number of waiting calls. */
  constructor(capacity: number) {
    this.#numbers = new Float64Array(capacity * STRIDE);
    this.#limit = capacity * STRIDE;
    this.#place();
  }

  get size(): number {
    return (this.#next - this.#first + (this.#wrapped ? this.#numbers.length : 0)) / STRIDE;
  }

  /** How many calls may wait; at most the capacity. */
  set limit(calls: number) {
    this.#limit = calls * STRIDE;
    this.#place();
  }

  /**
   * @param kind from `kindOf`.
   * @param names from `namesOf`.
   * @returns false when as many calls wait as may, and the call was not added.
   */
  push(start: number, durationMs: number, kind: number, names: number): boolean {
    if (this.#next >= this.#stop && !this.#wrap()) return false;
    const at = this.#next;
    const numbers = this.#numbers;
    numbers[at] = start;
    numbers[at + 1] = durationMs;
    numbers[at + 2] = kind;
    numbers[at + 3] = names;
    this.#next = at + STRIDE;
    return true;
  }

  /** Removes the oldest call and copies it into `into`. */
  shift(into: RingCall): void {
    const at = this.#first;
    const numbers = this.#numbers;
    const seen = Math.floor(numbers[at + 2]! / 8);
    const flags = numbers[at + 2]! - seen * 8;
    const names = numbers[at + 3]!;
    into.start = numbers[at]!;
    into.durationMs = numbers[at + 1]!;
    into.outcome = (flags & 3) as OutcomeCode;
    into.inForce = (flags & 4) !== 0;
    into.seen = seen;
    into.breaker = Math.floor(names / MAX_IDS);
    into.key = names % MAX_IDS;
    this.#first = at + STRIDE;
    // An empty ring starts over, so that few calls use little of the processor's cache.
    if (this.size === 0) this.#next = 0;
    if (this.#next === 0 || this.#first === numbers.length) [this.#first, this.#wrapped] = [0, false];
    this.#place();
  }

  /** @returns false when no more calls may wait. */
  #wrap(): boolean {
    if (this.#wrapped || this.#next < this.#numbers.length || this.size * STRIDE >= this.#limit) return false;
    [this.#next, this.#wrapped] = [0, true];
    this.#place();
    return this.#next < this.#stop;
  }

  #place(): void {
    const last = this.#first + this.#limit;
    this.#stop = this.#wrapped ? last - this.#numbers.length : Math.min(last, this.#numbers.length);
  }
}
