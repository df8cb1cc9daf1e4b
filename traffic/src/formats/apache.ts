import { mostLines, type Sample } from '../input/sample.ts';
import { DURATION_UNITS, type DurationUnit } from '../options.ts';
import { ReadError } from '../read-error.ts';
import { extraFields, parseAccessLine } from './access-line.ts';
import { type Context, type Format, type LineParser, readLines } from './format.ts';

/** Common or combined format followed by an integer: %D (µs), %T (s) or %{ms}T. Apache logs the time of the request. */
export const apache: Format = {
  name: 'apache',
  title: 'Apache access log with %D or %T',
  matches: (sample: Sample) => mostLines(sample, (line) => lengthOf(parseAccessLine(line)?.rest) !== undefined),
  read: (blocks, context) => readLines(blocks, context, parser(context, unitOf(context))),
};

/** Common or combined format of any server. It has the end and outcome of calls, but not their duration. */
export const combined: Format = {
  name: 'combined',
  title: 'access log in the common or combined format, without durations',
  matches: (sample: Sample) => mostLines(sample, (line) => parseAccessLine(line) !== undefined),
  read: (blocks, context) => readLines(blocks, context, parser(context, undefined)),
};

function lengthOf(rest: string | undefined): number | undefined {
  const last = extraFields(rest).findLast(({ value }) => /^\d+$/.test(value));
  return last === undefined ? undefined : Number(last.value);
}

function parser({ counts, time }: Context, unit: DurationUnit | undefined): LineParser {
  if (unit === undefined) {
    counts.note(
      'This log has no durations: only rates of calls and failures can be judged, no slow calls; add $request_time (nginx) or %D (Apache) to its format.',
    );
  } else {
    counts.note(`Times are starts of calls, to the second. Durations are taken as ${unit}.`);
  }
  return {
    line(text, emit) {
      const line = parseAccessLine(text);
      const at = line === undefined ? Number.NaN : time.parse(line.time);
      if (line === undefined || Number.isNaN(at)) return false;
      const length = unit === undefined ? undefined : lengthOf(line.rest);
      const durationMs = length === undefined ? Number.NaN : length * DURATION_UNITS[unit!];
      const { host, method, path, status, agent } = line;
      emit({ start: at, durationMs, status, host, method, path, agent });
      return true;
    },
  };
}

/** Derives the unit from the sample, or asks for it, because a wrong unit would be wrong by a factor of 1000. */
function unitOf({ options, sample, counts }: Context): DurationUnit {
  if (options.durationUnit !== undefined) return options.durationUnit;
  const lengths = sample.lines.flatMap((line) => lengthOf(parseAccessLine(line)?.rest) ?? []).sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? Number.NaN;
  // Few pages have a median of 10 s, and few have only durations below 10 ms or above 2 s.
  if (median >= 10_000) return 'us';
  if (median <= 1 && lengths[0] === 0 && lengths.at(-1)! <= 120) return 's';
  throw new ReadError(
    `${counts.path} does not show the unit of its durations (half of the first lines have ${median} or less); name it as the duration unit: us for %D, s for %T, ms for %{ms}T`,
  );
}
