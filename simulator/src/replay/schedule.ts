import { FAILURE, type Trace, UNKNOWN } from '../calls/trace.ts';

/**
 * The order of starts and ends of calls. `i` is the start of call i, and `~i` its end. At the same time, ends come
 * before starts, and a call without a duration ends directly after its start.
 */
export interface Schedule {
  readonly steps: Int32Array;
  readonly end: Float64Array;
  /** The outcome for the breaker: a call beyond the time limit is a failure. */
  readonly outcome: Uint8Array;
}

/** @param timeoutMs the time limit of the policy: longer calls end there as failures. 0: none. */
export function scheduleOf({ start, duration, outcome }: Trace, timeoutMs = 0): Schedule {
  const size = start.length;
  const steps = new Int32Array(size * 2);
  const end = new Float64Array(size);
  const seen = outcome.slice();
  const open = new EndHeap(end);
  let at = 0;
  for (let i = 0; i < size; i++) {
    const begins = start[i]!;
    while (open.size > 0 && end[open.first]! <= begins) steps[at++] = ~open.take();
    let took = Math.max(0, duration[i]!);
    if (timeoutMs > 0 && took > timeoutMs) {
      took = timeoutMs;
      if (seen[i] !== UNKNOWN) seen[i] = FAILURE;
    }
    end[i] = begins + took;
    steps[at++] = i;
    if (end[i]! <= begins) steps[at++] = ~i;
    else open.add(i);
  }
  while (open.size > 0) steps[at++] = ~open.take();
  return { steps, end, outcome: seen };
}

/** A binary heap of running calls, by end and then by start. */
class EndHeap {
  size = 0;
  readonly #end: Float64Array;
  readonly #calls: number[] = [];

  constructor(end: Float64Array) {
    this.#end = end;
  }

  get first(): number {
    return this.#calls[0]!;
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#end[a]!, this.#end[b]!];
    return x < y || (x === y && a < b);
  }

  add(call: number): void {
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(call, this.#calls[parent]!)) break;
      this.#calls[at] = this.#calls[parent]!;
      at = parent;
    }
    this.#calls[at] = call;
  }

  take(): number {
    const first = this.#calls[0]!;
    const last = this.#calls[--this.size]!;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.#isBefore(this.#calls[child + 1]!, this.#calls[child]!)) child++;
      if (!this.#isBefore(this.#calls[child]!, last)) break;
      this.#calls[at] = this.#calls[child]!;
      at = child;
    }
    this.#calls[at] = last;
    return first;
  }
}
