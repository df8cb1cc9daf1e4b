import { OUTCOMES } from '../call.ts';
import { mostLines, type Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import { DURATION_UNITS, type FieldName, type ReadOptions } from '../options.ts';
import { ReadError } from '../read-error.ts';
import { type Context, type Format, readLines } from './format.ts';
import { isObject, type JsonObject, numberOf, parseObject, statusOf, textOf } from './json-value.ts';
import { headerOf, readTable } from './table.ts';

/** Rows of a table, with column names from the options. */
export const csv: Format = {
  name: 'csv',
  title: 'comma-separated values with given fields',
  matches: ({ lines }: Sample, { fields }: ReadOptions) => {
    const header = headerOf(lines[0]);
    return (
      fields !== undefined &&
      parseObject(lines[0] ?? '') === undefined &&
      Object.values(fields).every((column) => header.includes(column))
    );
  },
  read(blocks, context) {
    const fields = given(context);
    return readTable(blocks, context, (column) => {
      const at = new Map(Object.entries(fields).map(([name, source]) => [name, column(source)]));
      const missing = Object.entries(fields).find(([name]) => at.get(name)! < 0);
      if (missing)
        throw new ReadError(
          `${context.counts.path} has no column ${missing[1]} for ${missing[0]}; name one of its first line`,
        );
      return {
        row(row, emit) {
          const one = observed((name) => row[at.get(name) ?? -1], context);
          if (one === undefined) return false;
          emit(one);
          return true;
        },
      };
    });
  },
};

/** JSON objects, one per line, with field names from the options. */
export const ndjson: Format = {
  name: 'ndjson',
  title: 'JSON lines with given fields',
  matches: (sample: Sample, { fields }: ReadOptions) =>
    fields !== undefined && mostLines(sample, (line) => parseObject(line) !== undefined),
  read(blocks, context) {
    const paths = new Map(Object.entries(given(context)).map(([name, source]) => [name, source]));
    return readRecords(blocks, context, (record, name) => {
      const path = paths.get(name);
      return path === undefined ? undefined : reach(record, path);
    });
  },
};

const SERIES: Partial<Record<FieldName, string>> = {
  time: 't',
  duration: 'd',
  status: 's',
  error: 'e',
  breaker: 'to',
  from: 'from',
};

/** `{t, d, s, e, from, to}` per line: calls between services, in milliseconds. */
export const series: Format = {
  name: 'series',
  title: 'series of calls between services',
  matches: (sample: Sample) =>
    mostLines(sample, (line) => {
      const record = parseObject(line);
      return (
        record !== undefined &&
        typeof record.t === 'number' &&
        'd' in record &&
        's' in record &&
        'e' in record &&
        typeof record.to === 'string'
      );
    }),
  read: (blocks, context) =>
    readRecords(
      blocks,
      { ...context, options: { durationUnit: 'ms', ...context.options } },
      (record, name) => record[SERIES[name] ?? ''],
    ),
};

function readRecords(
  blocks: AsyncIterable<Buffer>,
  context: Context,
  value: (record: JsonObject, name: FieldName) => unknown,
) {
  return readLines(blocks, context, {
    line(text, emit) {
      const record = parseObject(text);
      const one = record === undefined ? undefined : observed((name) => value(record, name), context);
      if (one === undefined) return false;
      emit(one);
      return true;
    },
  });
}

function given({ options: { fields }, counts }: Context): Partial<Record<FieldName, string>> {
  if (fields === undefined || (fields.time === undefined && fields.end === undefined)) {
    throw new ReadError(
      `${counts.path} needs fields that say where the time of a call is; give time=NAME of its start, or end=NAME`,
    );
  }
  if (fields.duration === undefined)
    counts.note('No field is named as the duration: only rates of calls and failures can be judged, no slow calls.');
  return fields;
}

function observed(value: (name: FieldName) => unknown, { options, counts, time }: Context): Observation | undefined {
  const durationMs = numberOf(value('duration')) * unitOf(value('duration'), options, counts);
  const start = time.parse(value('time'));
  const end = time.parse(value('end'));
  const at = Number.isNaN(start) ? end : start;
  if (Number.isNaN(at)) return undefined;
  const outcome = textOf(value('outcome'));
  return {
    start: Number.isNaN(start) ? end - (Number.isNaN(durationMs) ? 0 : durationMs) : start,
    durationMs: Number.isNaN(durationMs) && !Number.isNaN(end) && !Number.isNaN(start) ? end - start : durationMs,
    outcome: outcomeOf(outcome),
    status: statusOf(value('status')),
    error: textOf(value('error')),
    breaker: textOf(value('breaker')),
    instance: textOf(value('instance')),
    key: textOf(value('key')),
    from: textOf(value('from')),
    method: textOf(value('method')),
    host: textOf(value('host')),
    path: textOf(value('path')),
  };
}

function unitOf(value: unknown, { durationUnit }: ReadOptions, counts: Context['counts']): number {
  if (durationUnit !== undefined) return DURATION_UNITS[durationUnit];
  if (value !== undefined && !Number.isNaN(numberOf(value)))
    counts.note('Durations are taken as milliseconds; name another duration unit if they are not.');
  return 1;
}

const WORDS: Readonly<Record<string, 'success' | 'failure'>> = {
  true: 'success',
  ok: 'success',
  false: 'failure',
  error: 'failure',
  failed: 'failure',
};

function outcomeOf(text: string | undefined): Observation['outcome'] {
  return OUTCOMES.find((one) => one === text?.toLowerCase()) ?? WORDS[text?.toLowerCase() ?? ''];
}

function reach(record: JsonObject, path: string): unknown {
  if (path in record) return record[path];
  return path.split('.').reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), record);
}
