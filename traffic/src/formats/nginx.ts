import { mostLines, type Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import { extraFields, isSeconds, isSecondsList, isUpstream, parseAccessLine, secondsList } from './access-line.ts';
import { type Context, type Format, type LineParser, readLines } from './format.ts';
import { numberOf, parseObject, statusOf, textOf } from './json-value.ts';

const WHOLE_SECONDS =
  'Times are ends of calls, to the second; starts are these less the duration and may be up to 1 s off.';
const CLIENT = 'Durations hold the sending of the answer to the client, as $request_time does.';
const SERVERS = 'Instances are the servers that answered, not the processes that called.';
const RETRIED = '{} calls were tried on several servers; each is one call, on the last of them.';
const NO_DURATION = '{} calls have no duration.';
const NAMES = {
  request: ['rt', 'request_time'],
  upstream: ['urt', 'upstream_response_time'],
  address: ['ua', 'upstream', 'upstream_addr'],
};

/** Combined format followed by $request_time, by position or by name. nginx writes a line at the end of a call. */
export const nginx: Format = {
  name: 'nginx',
  title: 'nginx access log, combined with $request_time',
  matches: (sample: Sample) =>
    mostLines(sample, (line) => {
      const rest = parseAccessLine(line)?.rest;
      return (
        rest !== undefined &&
        extraFields(rest).some(({ name, value }) =>
          name === undefined ? isSeconds(value) : NAMES.request.includes(name) || NAMES.upstream.includes(name),
        )
      );
    }),
  read: (blocks, context) => readLines(blocks, context, parser(context)),
};

function parser({ counts, time }: Context): LineParser {
  counts.note(WHOLE_SECONDS);
  counts.note(CLIENT);
  return {
    line(text, emit) {
      const line = parseAccessLine(text);
      const at = line === undefined ? Number.NaN : time.parse(line.time);
      if (line === undefined || Number.isNaN(at)) return false;
      const fields = extraFields(line.rest);
      const named = (names: readonly string[]) =>
        fields.find(({ name }) => name !== undefined && names.includes(name))?.value;
      const bare = fields.filter(({ name }) => name === undefined).map(({ value }) => value);
      const first = bare.findIndex(isSeconds);
      const second = bare.findIndex((value, index) => index > first && isSecondsList(value));
      const request = named(NAMES.request) ?? bare[first];
      const upstream = named(NAMES.upstream) ?? bare[second];
      const address =
        named(NAMES.address) ?? bare.find(isUpstream) ?? groupName(second < 0 ? undefined : bare[second + 1]);
      emit(ended(at, request, upstream, address, line, counts));
      return true;
    },
  };
}

/** `log_format … escape=json` with the names of nginx's variables. */
export const nginxJson: Format = {
  name: 'nginx-json',
  title: 'nginx access log as JSON',
  matches: (sample: Sample) =>
    mostLines(sample, (line) => {
      const record = parseObject(line);
      return (
        record !== undefined &&
        record.status !== undefined &&
        (record.request_time !== undefined || record.upstream_response_time !== undefined) &&
        timeOf(record) !== undefined
      );
    }),
  read: (blocks, context) => readLines(blocks, context, jsonParser(context)),
};

const timeOf = (record: { readonly [name: string]: unknown }) =>
  record.msec ?? record.time_iso8601 ?? record.time_local ?? record['@timestamp'] ?? record.timestamp ?? record.time;

function jsonParser({ counts, time }: Context): LineParser {
  counts.note(CLIENT);
  return {
    line(text, emit) {
      const record = parseObject(text);
      if (record === undefined) return false;
      const at = time.parse(timeOf(record));
      const status = statusOf(record.status);
      if (Number.isNaN(at) || status === undefined) return false;
      if (record.msec === undefined && at % 1000 === 0) counts.note(WHOLE_SECONDS);
      const request = /^([A-Z]+) (\S+)/.exec(textOf(record.request) ?? '');
      const line = {
        host: textOf(record.host) ?? textOf(record.http_host) ?? textOf(record.server_name),
        method: textOf(record.request_method) ?? textOf(record.method) ?? request?.[1],
        path: textOf(record.request_uri) ?? textOf(record.uri) ?? textOf(record.path) ?? request?.[2],
        agent: textOf(record.http_user_agent),
        status,
      };
      emit(
        ended(
          at,
          textOf(record.request_time),
          textOf(record.upstream_response_time),
          textOf(record.upstream_addr),
          line,
          counts,
        ),
      );
      return true;
    },
  };
}

/**
 * The name of an upstream group after the upstream time, alone or at the end of a list. nginx logs it when no server of
 * the group was available.
 */
function groupName(field: string | undefined): string | undefined {
  return field !== undefined && /^(?:.*, )?[a-z_][\w.-]*$/i.test(field) ? field : undefined;
}

function ended(
  at: number,
  request: string | undefined,
  upstream: string | undefined,
  address: string | undefined,
  { host, method, path, agent, status }: Pick<Observation, 'host' | 'method' | 'path' | 'agent' | 'status'>,
  counts: Context['counts'],
): Observation {
  const tried = upstream === undefined ? { ms: Number.NaN, tries: 0 } : secondsList(upstream);
  if (tried.tries > 1) counts.note(RETRIED);
  const seconds = numberOf(request);
  const durationMs = Number.isNaN(seconds) ? tried.ms : seconds * 1000;
  if (Number.isNaN(durationMs)) counts.note(NO_DURATION);
  const server = address?.split(/, | : /).at(-1);
  // A group name instead of a server means that all of its servers counted as down, so none was called.
  const reached = server === undefined || server.includes(':');
  if (server !== undefined && reached) counts.note(SERVERS);
  return {
    start: Number.isNaN(durationMs) ? at : at - durationMs,
    durationMs,
    status,
    error: reached ? undefined : 'no_live_upstream',
    instance: reached ? server : undefined,
    method,
    host,
    path,
    agent,
  };
}
