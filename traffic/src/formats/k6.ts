import { mostLines, type Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import { type Context, type Emit, type Format, type LineParser, readLines } from './format.ts';
import { isObject, numberOf, parseObject, statusOf, textOf } from './json-value.ts';
import { CLOSED_LOOP } from './load-test.ts';
import { hostOf } from './spans.ts';
import { headerOf, readTable } from './table.ts';

const DURATION = 'http_req_duration';
const BLOCKED = 'http_req_blocked';

/** k6 logs the end of a call. Its duration excludes the wait for a connection, which is a separate point after it. */
export const k6Json: Format = {
  name: 'k6-json',
  title: 'k6 results as JSON',
  matches: (sample: Sample) =>
    mostLines(sample, (line) => /^\{.*"type"\s*:\s*"(Metric|Point)"/.test(line) && /"metric"\s*:\s*"/.test(line)),
  read: (blocks, context) => readLines(blocks, context, jsonParser(context)),
};

function jsonParser({ counts, time }: Context): LineParser {
  counts.note(CLOSED_LOOP);
  const pairs = new Pairs();
  return {
    line(text, emit) {
      if (!text.includes(DURATION) && !text.includes(BLOCKED)) return text.startsWith('{') && text.endsWith('}');
      const record = parseObject(text);
      if (record === undefined || !isObject(record.data)) return false;
      if (record.type !== 'Point' || (record.metric !== DURATION && record.metric !== BLOCKED)) return true;
      const end = time.parse(record.data.time);
      const value = numberOf(record.data.value);
      const tags = isObject(record.data.tags) ? record.data.tags : {};
      if (Number.isNaN(end) || Number.isNaN(value)) return false;
      pairs.point(record.metric, end, value, (name) => textOf(tags[name]), emit);
      return true;
    },
    end: (emit) => pairs.flush(emit),
  };
}

export const k6Csv: Format = {
  name: 'k6-csv',
  title: 'k6 results as CSV',
  matches: ({ lines }: Sample) =>
    ['metric_name', 'timestamp', 'metric_value'].every((name) => headerOf(lines[0]).includes(name)),
  read(blocks, context) {
    context.counts.note(CLOSED_LOOP);
    return readTable(blocks, context, (column) => {
      const at = new Map(
        [
          'metric_name',
          'timestamp',
          'metric_value',
          'status',
          'url',
          'name',
          'method',
          'error',
          'error_code',
          'scenario',
          'group',
        ].map((name) => [name, column(name)]),
      );
      const pairs = new Pairs();
      return {
        row(row, emit) {
          const metric = row[at.get('metric_name')!];
          const value = numberOf(row[at.get('metric_value')!]);
          const end = context.time.parse(row[at.get('timestamp')!]);
          if (metric === undefined || Number.isNaN(value) || Number.isNaN(end)) return false;
          if (end % 1000 === 0)
            context.counts.note(
              'Times are whole seconds: the order of calls within a second is not known, so runs of failures mean little; record JSON instead.',
            );
          if (metric === DURATION || metric === BLOCKED)
            pairs.point(metric, end, value, (name) => textOf(row[at.get(name) ?? -1]), emit);
          return true;
        },
        end: (emit) => pairs.flush(emit),
      };
    });
  },
};

type Tag = (name: string) => string | undefined;

/** Pairs the two points of one request. k6 writes them consecutively, with the same time and tags. */
class Pairs {
  #waiting: Observation | undefined;
  #end = Number.NaN;

  point(metric: typeof DURATION | typeof BLOCKED, end: number, value: number, tag: Tag, emit: Emit): void {
    const waiting = this.#waiting;
    if (metric === BLOCKED) {
      if (waiting === undefined || this.#end !== end || waiting.path !== tag('url')) return;
      waiting.durationMs += value;
      waiting.start = end - waiting.durationMs;
      this.flush(emit);
      return;
    }
    this.flush(emit);
    this.#waiting = observed(end, value, tag);
    this.#end = end;
  }

  flush(emit: Emit): void {
    if (this.#waiting !== undefined) emit(this.#waiting);
    this.#waiting = undefined;
  }
}

function observed(end: number, durationMs: number, tag: Tag): Observation {
  const status = statusOf(tag('status'));
  const code = tag('error_code');
  const unanswered = status === undefined || status === 0;
  const name = tag('name');
  return {
    start: end - durationMs,
    durationMs,
    status: unanswered ? undefined : status,
    error: unanswered ? `k6_${code ?? 'no_answer'}` : undefined,
    outcome: unanswered ? 'failure' : undefined,
    breaker: hostOf(tag('url')) ?? tag('scenario'),
    host: hostOf(tag('url')),
    key: name === undefined || name.includes('://') ? undefined : name,
    from: tag('scenario'),
    method: tag('method'),
    path: tag('url'),
  };
}
