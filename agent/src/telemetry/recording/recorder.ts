import { safeWarn } from '../../errors/warnings.ts';
import { CallRing, errorSeen, MAX_IDS, NOTHING_SEEN, type RingCall } from './call-ring.ts';
import { NameIds } from './name-ids.ts';
import type { RecordSink } from './record-options.ts';
import { callLine, headerLine, lostLine, type RecordingHeader } from './recording-lines.ts';

export interface RecorderOptions {
  readonly header: RecordingHeader;
  /** Maximum number of calls that wait to be written, 32 bytes each; further ones are lost. Absent: 16,384. */
  readonly capacity?: number;
  /** How often waiting calls are written, in milliseconds. Absent: 1000. */
  readonly everyMs?: number;
  /** Called once when the sink fails, and again after it has worked. Absent: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

const CAPACITY = 16_384;
const EVERY_MS = 1000;
const MAX_NAMES = 10_000;
/** Number of lines to build at once. This takes about half a millisecond; then other work can run. */
const LINES_AT_ONCE = 500;

/**
 * Records calls off the path of the call: a call stores four numbers in a ring buffer, and a timer writes them as lines
 * to a sink. The timer does not keep the process alive.
 */
export class Recorder {
  readonly #sink: RecordSink;
  readonly #header: string;
  /** Holds the calls until they are written. */
  readonly ring: CallRing;
  readonly #capacity: number;
  readonly #names = new NameIds(Math.min(MAX_NAMES, MAX_IDS - 2));
  readonly #warn: (message: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #call: RingCall = {
    start: 0,
    durationMs: 0,
    outcome: 0,
    inForce: false,
    seen: NOTHING_SEEN,
    breaker: 0,
    key: 0,
  };
  #lost = 0;
  #failing = false;
  #hurried = false;
  #closed = false;
  #flushing: Promise<void> | undefined;

  constructor(sink: RecordSink, { header, capacity = CAPACITY, everyMs = EVERY_MS, warn }: RecorderOptions) {
    this.#sink = sink;
    this.#header = headerLine(header);
    this.ring = new CallRing(capacity);
    this.#capacity = capacity;
    this.#expect();
    this.#warn = safeWarn(warn);
    this.#timer = setInterval(() => void this.flush(), everyMs);
    this.#timer.unref();
  }

  /** The id of a breaker or key name. Callers should store it, because it requires a lookup. */
  nameId(name: string): number {
    return this.#names.id(name);
  }

  /** The `seen` value for a kind of error, such as its code or class, but not its message. */
  errorId(kind: string): number {
    return errorSeen(this.#names.id(kind));
  }

  /**
   * Records a call that has ended. It costs only a few writes of numbers.
   *
   * @param start milliseconds since 1970.
   * @param kind from `kindOf`.
   * @param names from `namesOf`, with ids of this recorder.
   */
  record(start: number, durationMs: number, kind: number, names: number): void {
    if (!this.ring.push(start, durationMs, kind, names)) this.hurry(start, durationMs, kind, names);
  }

  /** Records a call that the ring refused: the ring is written soon, or the call is lost. */
  hurry(start: number, durationMs: number, kind: number, names: number): void {
    if (this.#closed) return;
    if (this.#hurried) {
      this.#lost++;
      return;
    }
    // Waiting for the timer would fill the ring. This runs after the current event loop turn.
    this.#hurried = true;
    this.ring.limit = this.#capacity;
    setImmediate(() => void this.flush()).unref();
    this.record(start, durationMs, kind, names);
  }

  /** Half of the ring is filled before the timer is not waited for. */
  #expect(): void {
    this.#hurried = false;
    this.ring.limit = this.#closed ? 0 : Math.ceil(this.#capacity / 2);
  }

  /** Writes pending calls; settles when the sink has accepted them. Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
      this.#expect();
    });
    return this.#flushing;
  }

  /** Writes pending calls and ends the recording. */
  async close(): Promise<void> {
    this.#end();
    await this.#flushing;
    await this.flush();
  }

  #end(): void {
    this.#closed = true;
    this.ring.limit = 0;
    clearInterval(this.#timer);
  }

  /** Like `close`, for a process that exits now. Never throws. */
  closeSync(): void {
    if (this.#closed) return;
    this.#end();
    if (this.#sink.writeSync === undefined) return;
    try {
      let block = this.#begin();
      while (this.ring.size > 0) block += this.#lines();
      if (block !== this.#header) this.#sink.writeSync(block);
    } catch (error) {
      this.#failed(error, 0);
    }
  }

  async #write(): Promise<void> {
    while (this.ring.size > 0 || this.#lost > 0) {
      const lost = this.#lost;
      let block = this.#begin();
      // Calls that arrive meanwhile are part of the next block.
      let left = this.ring.size;
      const count = left;
      while (left > 0) {
        const before = this.ring.size;
        block += this.#lines(left);
        left -= before - this.ring.size;
        if (left > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      try {
        await this.#sink.write(block);
        this.#failing = false;
      } catch (error) {
        this.#failed(error, lost + count);
        return;
      }
    }
  }

  #begin(): string {
    if (this.#lost === 0) return this.#header;
    const block = this.#header + lostLine(this.#lost);
    this.#lost = 0;
    return block;
  }

  #lines(most = LINES_AT_ONCE): string {
    let text = '';
    for (let left = Math.min(most, LINES_AT_ONCE, this.ring.size); left > 0; left--) {
      this.ring.shift(this.#call);
      text += callLine(this.#call, this.#names);
    }
    return text;
  }

  /** Calls that cannot be written are dropped, so that memory stays limited. */
  #failed(error: unknown, calls: number): void {
    this.#lost += calls;
    if (this.#failing) return;
    this.#failing = true;
    this.#warn(
      `calls are not recorded: ${error instanceof Error ? error.message : String(error)}; they are counted as lost until it works`,
    );
  }
}
