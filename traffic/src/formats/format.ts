import { lines } from '../input/lines.ts';
import type { Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import type { ReadOptions } from '../options.ts';
import type { RecordCounts } from '../record-counts.ts';
import type { LogTime } from '../time/log-time.ts';
import type { FormatName } from './format-name.ts';

/** What a format is given to read one file with. */
export interface Context {
  readonly options: ReadOptions;
  readonly sample: Sample;
  readonly tally: RecordCounts;
  readonly time: LogTime;
}

/** One way in which calls are written. */
export interface Format {
  readonly name: FormatName;
  /** What a person calls it. */
  readonly title: string;
  /** Whether the beginning of a file is of this format. */
  matches(sample: Sample, options: ReadOptions): boolean;
  /** Yields what the records of a file say, in their order. @throws ReadError when they cannot be used. */
  read(blocks: AsyncIterable<Buffer>, context: Context): AsyncGenerator<Observation[]>;
}

export type Emit = (one: Observation) => void;

/** Reads records of a text one by one. */
export interface LineParser {
  /** @returns false when the line is none of this format; a line that is no call is read and emits nothing. */
  line(text: string, emit: Emit): boolean;
  /** Emits what waited for a line that did not come. */
  end?(emit: Emit): void;
}

/** Reads a format whose records are lines. */
export async function* readLines(
  blocks: AsyncIterable<Buffer>,
  { tally }: Context,
  parser: LineParser,
): AsyncGenerator<Observation[]> {
  let found: Observation[] = [];
  const emit: Emit = (one) => {
    one.record = tally.lines;
    found.push(one);
  };
  for await (const batch of lines(blocks)) {
    for (const line of batch) {
      tally.lines++;
      if (!parser.line(line, emit)) tally.bad(line);
    }
    yield found;
    found = [];
  }
  parser.end?.(emit);
  yield found;
}
