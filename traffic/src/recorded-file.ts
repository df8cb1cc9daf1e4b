import type { Call } from './call.ts';
import type { Census } from './census.ts';
import type { Context, Format } from './formats/format.ts';
import { formatOf } from './formats/formats.ts';
import { openFile } from './input/open.ts';
import { readSample } from './input/sample.ts';
import type { Observation } from './observation.ts';
import { MAX_LATE_MS, type ReadOptions } from './options.ts';
import { type SlotBudget, Sorter } from './order/sorter.ts';
import { ReadError } from './read-error.ts';
import { RecordCounts } from './record-counts.ts';
import { LogTime } from './time/log-time.ts';

const HOUR = 3_600_000;
const MIN_LEFT_OUT = 100;
const MAX_LEFT_OUT_SHARE = 0.01;

/** One file of a recording: its format is detected, and its calls are read, named and sorted. */
export class RecordedFile {
  readonly path: string;
  readonly counts: RecordCounts;
  readonly #options: ReadOptions;
  readonly #maxLateMs: number;
  readonly #time: LogTime;
  #format: Format | undefined;
  #newestStart = Number.NEGATIVE_INFINITY;
  #newestEnd = Number.NEGATIVE_INFINITY;
  #leftOut = 0;
  #jump: { readonly record: number; readonly ms: number } | undefined;

  constructor(path: string, options: ReadOptions) {
    this.path = path;
    this.counts = new RecordCounts(path);
    this.#options = options;
    this.#maxLateMs = options.maxLateMs ?? MAX_LATE_MS;
    this.#time = new LogTime(options.timezone);
  }

  /** The format; undefined until the first block was read. */
  get format(): Format | undefined {
    return this.#format;
  }

  notes(): string[] {
    return [...this.counts.notes(), ...this.#time.notes()];
  }

  /** A time before the start of all its calls. It is known only for formats whose first records can be read alone. */
  async earliest(): Promise<number> {
    const { sample, blocks } = await readSample(openFile(this.path, () => undefined));
    await blocks.return(undefined);
    const context = {
      ...this.#context(),
      sample,
      counts: new RecordCounts(this.path),
      time: new LogTime(this.#options.timezone),
    };
    let least = Number.POSITIVE_INFINITY;
    try {
      const format = formatOf(this.path, sample, this.#options);
      for await (const found of format.read(from(`${sample.lines.join('\n')}\n`), context)) {
        for (const { start } of found) least = Math.min(least, start);
      }
    } catch {
      return Number.NEGATIVE_INFINITY;
    }
    return Number.isFinite(least) ? least - this.#maxLateMs : Number.NEGATIVE_INFINITY;
  }

  /** @throws ReadError when the file is unreadable, has no known format, or has records too far out of order. */
  async *calls(census: Census, budget: SlotBudget, onBytes: (bytes: number) => void): AsyncGenerator<Call[]> {
    const { sample, blocks } = await readSample(openFile(this.path, onBytes));
    const format = formatOf(this.path, sample, this.#options);
    this.#format = format;
    const sorter = new Sorter(budget);
    for await (const found of format.read(blocks, { ...this.#context(), sample })) {
      for (const one of found) this.#accept(one, census, sorter);
      for (let ready = sorter.take(); ready.length > 0; ready = sorter.take()) yield ready;
    }
    this.counts.check();
    sorter.release(Number.POSITIVE_INFINITY);
    for (let ready = sorter.take(); ready.length > 0; ready = sorter.take()) yield ready;
  }

  #context(): Omit<Context, 'sample'> {
    return { options: this.#options, counts: this.counts, time: this.#time };
  }

  /** Files are sorted by start or by end, so a record counts as late only when both are late. */
  #accept(one: Observation, census: Census, sorter: Sorter): void {
    if (one.durationMs < 0) {
      this.counts.note('{} durations are negative and are taken as unknown: a clock was set back during the call.');
      one.durationMs = Number.NaN;
    }
    const { start } = one;
    // A number as large as 1e999 is infinite.
    if (!Number.isFinite(start) || one.durationMs === Number.POSITIVE_INFINITY) {
      this.counts.bad('its time or its duration is no number that can be used', one.record);
      return;
    }
    const end = Number.isNaN(one.durationMs) ? start : start + one.durationMs;
    const oldest = this.#newestStart - this.#maxLateMs;
    if (start < oldest) {
      if (end < this.#newestEnd - this.#maxLateMs) throw this.#tooLate(one, this.#newestEnd - end);
      this.counts.note(
        `{} calls took longer than ${length(this.#maxLateMs)} and are left out: streams or sockets rather than calls.`,
      );
      return;
    }
    if (start < sorter.frontier) {
      this.#leaveOut(one, sorter.frontier - start);
      return;
    }
    const call = census.call(one);
    if (call !== undefined) sorter.push(call);
    this.#noteJump(one);
    this.#newestEnd = Math.max(this.#newestEnd, end);
    if (start <= this.#newestStart) return;
    this.#newestStart = start;
    sorter.release(start - this.#maxLateMs);
  }

  #noteJump({ start, record = 0 }: Observation): void {
    const ms = start - this.#newestStart;
    if (Number.isFinite(ms) && ms > Math.max(HOUR, this.#jump?.ms ?? 0)) this.#jump = { record, ms };
  }

  #tooLate({ record }: Observation, behind: number): ReadError {
    const jump =
      this.#jump === undefined
        ? ''
        : ` The times jump ahead by ${length(this.#jump.ms)} at record ${this.#jump.record}: a clock that was set, or a file put together of several.`;
    return new ReadError(
      `${this.path}: record ${record} is ${length(behind)} older than one before it, and records are put in order over ${length(this.#maxLateMs)} only.${jump} Sort the file by time, give its parts as files of their own, or allow it with a larger maximum lateness (--max-late)`,
    );
  }

  /** At a high rate, fewer calls are held than the maximum lateness needs, so a few calls cannot be sorted. */
  #leaveOut({ record = 0 }: Observation, behind: number): void {
    this.counts.note(
      '{} calls came too late to be put in order, as at this rate fewer minutes of calls are held in memory; they are left out.',
    );
    this.#leftOut++;
    if (this.#leftOut < MIN_LEFT_OUT || this.#leftOut < record * MAX_LEFT_OUT_SHARE) return;
    throw new ReadError(
      `${this.path}: record ${record} is ${length(behind)} too late to be put in order, as are ${this.#leftOut - 1} before it: at this rate, ${length(this.#maxLateMs)} of calls are more than is held in memory. Sort the file by time, or read it in parts`,
    );
  }
}

async function* from(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text, 'utf8');
}

function length(ms: number): string {
  if (ms < 120_000) return `${Math.ceil(ms / 1000)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / 60_000)} min`;
  return ms < 48 * HOUR ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / (24 * HOUR))} d`;
}
