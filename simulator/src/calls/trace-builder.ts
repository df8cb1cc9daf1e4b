import type { Call } from '@fuseboard/traffic';
import { FAILURE, IGNORED, SUCCESS, type Trace, UNKNOWN } from './trace.ts';

const CODE = { success: SUCCESS, failure: FAILURE, ignored: IGNORED, rejected: UNKNOWN } as const;
const FIRST_CAPACITY = 256;

/** Collects the calls of one process in growing typed arrays, 21 bytes per call. */
export class TraceBuilder {
  readonly #process: string;
  #size = 0;
  #start = new Float64Array(FIRST_CAPACITY);
  #duration = new Float64Array(FIRST_CAPACITY);
  #outcome = new Uint8Array(FIRST_CAPACITY);
  #key = new Int32Array(FIRST_CAPACITY);
  #hasKeys = false;
  #isSorted = true;

  constructor(process: string) {
    this.#process = process;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a call. Without a duration, it ends when it starts. @param key the index of its key; -1: none. */
  add({ start, durationMs, outcome }: Call, key = -1): void {
    const at = this.#size++;
    if (at === this.#start.length) this.#grow();
    this.#start[at] = start;
    this.#duration[at] = Number.isNaN(durationMs) ? 0 : durationMs;
    this.#outcome[at] = CODE[outcome];
    this.#key[at] = key;
    if (key >= 0) this.#hasKeys = true;
    if (at > 0 && start < this.#start[at - 1]!) this.#isSorted = false;
  }

  #grow(): void {
    const size = this.#start.length * 2;
    const wider = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#start = wider(new Float64Array(size), this.#start);
    this.#duration = wider(new Float64Array(size), this.#duration);
    this.#outcome = wider(new Uint8Array(size), this.#outcome);
    this.#key = wider(new Int32Array(size), this.#key);
  }

  /** The calls so far, sorted by start. Calls with the same start stay in the order in which they were added. */
  build(): Trace {
    const size = this.#size;
    const start = this.#start.slice(0, size);
    const duration = this.#duration.slice(0, size);
    const outcome = this.#outcome.slice(0, size);
    const key = this.#key.slice(0, size);
    if (!this.#isSorted) {
      const order = Uint32Array.from({ length: size }, (_, i) => i).sort(
        (a, b) => this.#start[a]! - this.#start[b]! || a - b,
      );
      order.forEach((from, to) => {
        start[to] = this.#start[from]!;
        duration[to] = this.#duration[from]!;
        outcome[to] = this.#outcome[from]!;
        key[to] = this.#key[from]!;
      });
    }
    const trace = { process: this.#process, start, duration, outcome };
    return this.#hasKeys ? { ...trace, key } : trace;
  }
}
