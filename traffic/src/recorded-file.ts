import type { Call } from './call.ts';
import type { Census } from './census.ts';
import type { Context, Format } from './formats/format.ts';
import { formatOf } from './formats/formats.ts';
import { openFile } from './input/open.ts';
import { takeSample } from './input/sample.ts';
import type { Observation } from './observation.ts';
import { MAX_LATE_MS, type ReadOptions } from './options.ts';
import { type SlotBudget, Sorter } from './order/sorter.ts';
import { ReadError } from './read-error.ts';
import { Tally } from './tally.ts';
import { LogTime } from './time/log-time.ts';

const HOUR = 3_600_000;

/** One file of a recording: detected, read, named and sorted. */
export class RecordedFile {
  readonly path: string;
  readonly tally: Tally;
  readonly #options: ReadOptions;
  readonly #maxLateMs: number;
  readonly #time: LogTime;
  #format: Format | undefined;
  /** The latest time by which a record was logged. */
  #newest = Number.NEGATIVE_INFINITY;
  #jump: { readonly line: number; readonly ms: number } | undefined;

  constructor(path: string, options: ReadOptions) {
    this.path = path;
    this.tally = new Tally(path);
    this.#options = options;
    this.#maxLateMs = options.maxLateMs ?? MAX_LATE_MS;
    this.#time = new LogTime(options.timezone);
  }

  /** Absent until its first block was read. */
  get format(): Format | undefined {
    return this.#format;
  }

  notes(): string[] {
    return [...this.tally.notes(), ...this.#time.notes()];
  }

  /** A time before which none of its calls starts; known only where the first records can be read without the others. */
  async earliest(): Promise<number> {
    const { sample, blocks } = await takeSample(openFile(this.path, () => undefined));
    await blocks.return(undefined);
    const context = {
      ...this.#context(),
      sample,
      tally: new Tally(this.path),
      time: new LogTime(this.#options.timezone),
    };
    let least = Number.POSITIVE_INFINITY;
    try {
      const format = formatOf(this.path, sample, this.#options);
      for await (const found of format.read(from(`${sample.lines.join('\n')}\n`), context)) {
        for (const { at, start } of found) least = Math.min(least, at, start);
      }
    } catch {
      return Number.NEGATIVE_INFINITY;
    }
    return Number.isFinite(least) ? least - this.#maxLateMs : Number.NEGATIVE_INFINITY;
  }

  /** @throws ReadError when it cannot be read, is of no known format, or its records are too far out of order. */
  async *calls(census: Census, budget: SlotBudget, onBytes: (bytes: number) => void): AsyncGenerator<Call[]> {
    const { sample, blocks } = await takeSample(openFile(this.path, onBytes));
    const format = formatOf(this.path, sample, this.#options);
    this.#format = format;
    const sorter = new Sorter(budget);
    for await (const found of format.read(blocks, { ...this.#context(), sample })) {
      for (const one of found) this.#accept(one, census, sorter);
      const ready = sorter.take();
      if (ready.length > 0) yield ready;
    }
    this.tally.check();
    sorter.release(Number.POSITIVE_INFINITY);
    const rest = sorter.take();
    if (rest.length > 0) yield rest;
  }

  #context(): Omit<Context, 'sample'> {
    return { options: this.#options, tally: this.tally, time: this.#time };
  }

  #accept(one: Observation, census: Census, sorter: Sorter): void {
    if (one.durationMs < 0) {
      this.tally.note('{} durations are negative and are taken as unknown: a clock was set back during the call.');
      one.durationMs = Number.NaN;
      one.start = one.at;
    }
    if (one.start < sorter.frontier) {
      if (one.at < this.#newest - this.#maxLateMs || sorter.forced) throw this.#tooLate(one, sorter);
      this.tally.note(
        `{} calls took longer than ${minutes(this.#maxLateMs)} and are left out: streams or sockets rather than calls.`,
      );
      return;
    }
    if (one.at > this.#newest) this.#advance(one.at, sorter);
    const call = census.call(one);
    if (call !== undefined) sorter.push(call);
  }

  #advance(at: number, sorter: Sorter): void {
    const ahead = at - this.#newest;
    if (ahead > HOUR && Number.isFinite(ahead) && ahead > (this.#jump?.ms ?? 0)) {
      this.#jump = { line: this.tally.lines, ms: ahead };
    }
    this.#newest = at;
    sorter.release(at - this.#maxLateMs);
  }

  #tooLate(one: Observation, sorter: Sorter): ReadError {
    const behind = sorter.forced ? sorter.frontier - one.start : this.#newest - one.at;
    const jump =
      this.#jump === undefined
        ? ''
        : ` The times jump ahead by ${minutes(this.#jump.ms)} at record ${this.#jump.line}: a clock that was set, or a file put together of several.`;
    return new ReadError(
      sorter.forced
        ? `${this.path}: record ${this.tally.lines} is ${minutes(behind)} too late to be put in order, with ${minutes(this.#maxLateMs)} of calls at this rate beyond what is held in memory; sort the file by time, or read it in parts`
        : `${this.path}: record ${this.tally.lines} is ${minutes(behind)} older than one before it, and records are put in order over ${minutes(this.#maxLateMs)} only.${jump} Sort the file by time, give parts as files of their own, or allow it with a larger maximum lateness`,
    );
  }
}

async function* from(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text, 'utf8');
}

function minutes(ms: number): string {
  if (ms < 120_000) return `${Math.ceil(ms / 1000)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / 60_000)} min`;
  return ms < 48 * HOUR ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / (24 * HOUR))} d`;
}
