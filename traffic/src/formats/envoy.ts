import { mostLines, type Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import { flagged } from './envoy-flags.ts';
import { type Context, type Format, type LineParser, readLines } from './format.ts';
import { numberOf, parseObject, statusOf, textOf } from './json-value.ts';

const LINE = /^\[(\d{4}-[^\]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\S+) (.*)$/;
const TOKEN = /"((?:[^"\\]|\\.)*)"|(\S+)/g;
const SERVERS = 'Instances are the servers that answered, not the processes that called.';
const GAVE_UP =
  '{} calls ended because the client gave up (flag DC); they are ignored, though a client that waited too long saw a failure.';

/** The default text format. START_TIME is the start, DURATION is in ms. Istio's format adds fields before the bytes. */
export const envoy: Format = {
  name: 'envoy',
  title: 'Envoy access log',
  matches: (sample: Sample) => mostLines(sample, (line) => LINE.test(line)),
  read: (blocks, context) => readLines(blocks, context, parser(context)),
};

function parser({ counts, time }: Context): LineParser {
  return {
    line(text, emit) {
      const found = LINE.exec(text);
      const start = found === null ? Number.NaN : time.parse(found[1]);
      if (found === null || Number.isNaN(start)) return false;
      const all = [...found[6]!.matchAll(TOKEN)].map(([, quoted, bare]) => ({
        value: quoted ?? bare!,
        quoted: quoted !== undefined,
      }));
      // Three consecutive numbers are received bytes, sent bytes and duration. Istio adds response details before them.
      const numbers = all.findIndex((_, at) => [0, 1, 2].every((more) => isCount(all[at + more])));
      if (numbers < 0) return false;
      // The upstream's own time follows, then the quoted fields: forwarded for, agent, request id, authority, upstream
      // host.
      const [, agent, , authority, upstream] = all
        .slice(numbers + 4)
        .filter(({ quoted }) => quoted)
        .map(({ value }) => textOf(value));
      emit(
        observed(counts, start, Number(all[numbers + 2]!.value), Number(found[4]), found[5], {
          method: found[2],
          path: found[3],
          agent,
          host: authority,
          instance: upstream,
        }),
      );
      return true;
    },
  };
}

const isCount = (token: { readonly value: string; readonly quoted: boolean } | undefined) =>
  token !== undefined && !token.quoted && /^\d+$/.test(token.value);

/** One JSON object per line with the usual names. For other names, use NDJSON with fields. */
export const envoyJson: Format = {
  name: 'envoy-json',
  title: 'Envoy access log as JSON',
  matches: (sample: Sample) =>
    mostLines(sample, (line) => {
      const record = parseObject(line);
      return record?.start_time !== undefined && record.response_code !== undefined && record.duration !== undefined;
    }),
  read: (blocks, context) => readLines(blocks, context, jsonParser(context)),
};

function jsonParser({ counts, time }: Context): LineParser {
  return {
    line(text, emit) {
      const record = parseObject(text);
      const start = time.parse(record?.start_time);
      const code = statusOf(record?.response_code);
      if (record === undefined || Number.isNaN(start) || code === undefined) return false;
      emit(
        observed(counts, start, numberOf(record.duration), code, textOf(record.response_flags), {
          breaker: textOf(record.upstream_cluster),
          method: textOf(record.method),
          path: textOf(record.path) ?? textOf(record['x-envoy-original-path']),
          agent: textOf(record.user_agent),
          host: textOf(record.authority) ?? textOf(record[':authority']),
          instance: textOf(record.upstream_host),
        }),
      );
      return true;
    },
  };
}

function observed(
  counts: Context['counts'],
  start: number,
  durationMs: number,
  code: number,
  flags: string | undefined,
  names: Partial<Observation>,
): Observation {
  const { error, outcome } = flagged(flags);
  if (outcome === 'ignored') counts.note(GAVE_UP);
  if (names.instance !== undefined) counts.note(SERVERS);
  // Code 0 means that no response was sent.
  return {
    ...names,
    start,
    durationMs,
    status: code,
    error,
    outcome: outcome ?? (code === 0 ? 'failure' : undefined),
  };
}
