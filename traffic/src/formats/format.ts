import { lines } from '../input/lines.ts';
import type { Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import type { ReadOptions } from '../options.ts';
import type { RecordCounts } from '../record-counts.ts';
import type { LogTime } from '../time/log-time.ts';
import type { FormatName } from './format-name.ts';

/** The context for reading one file. */
export interface Context {
  readonly options: ReadOptions;
  readonly sample: Sample;
  readonly counts: RecordCounts;
  readonly time: LogTime;
}

/** A file format of calls. */
export interface Format {
  readonly name: FormatName;
  /** Name for users. */
  readonly title: string;
  /** Whether the beginning of a file has this format. */
  matches(sample: Sample, options: ReadOptions): boolean;
  /** Yields the records of a file in their order. @throws ReadError when the file is unusable. */
  read(blocks: AsyncIterable<Buffer>, context: Context): AsyncGenerator<Observation[]>;
}

export type Emit = (one: Observation) => void;

/** Parses records line by line. */
export interface LineParser {
  /** @returns false when the line does not fit the format. A line that fits but is no call emits nothing. */
  line(text: string, emit: Emit): boolean;
  /** Emits records that still waited for another line. */
  end?(emit: Emit): void;
}

/** Reads a format whose records are lines. */
export async function* readLines(
  blocks: AsyncIterable<Buffer>,
  { counts }: Context,
  parser: LineParser,
): AsyncGenerator<Observation[]> {
  let found: Observation[] = [];
  const emit: Emit = (one) => {
    one.record = counts.lines;
    found.push(one);
  };
  for await (const batch of lines(blocks)) {
    for (const line of batch) {
      counts.lines++;
      if (!parser.line(line, emit)) counts.bad({ line });
    }
    yield found;
    found = [];
  }
  parser.end?.(emit);
  yield found;
}
