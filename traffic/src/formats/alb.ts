import { mostLines, type Sample } from '../input/sample.ts';
import { type Context, type Format, type LineParser, readLines } from './format.ts';
import { numberOf, statusOf } from './json-value.ts';

const TYPE = /^(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT\S+Z \S+ \S+ \S+ -?[\d.]+ -?[\d.]+ -?[\d.]+ /;
const TOKEN = /"((?:[^"\\]|\\.)*)"|(\S+)/g;
/** Positions of the required fields; more fields may follow. */
const AT = {
  type: 0,
  time: 1,
  target: 4,
  times: [5, 6, 7],
  status: 8,
  request: 12,
  agent: 13,
  group: 16,
  creation: 21,
} as const;

/**
 * Access log of an AWS application load balancer. Its `time` is the time of the response; a separate field has the time
 * of the request.
 */
export const alb: Format = {
  name: 'alb',
  title: 'access log of an AWS application load balancer',
  matches: (sample: Sample) => mostLines(sample, (line) => TYPE.test(line)),
  read: (blocks, context) => readLines(blocks, context, parser(context)),
};

function parser({ counts, time }: Context): LineParser {
  counts.note('Instances are the targets that answered, not the processes that called.');
  return {
    line(text, emit) {
      if (!TYPE.test(text)) return false;
      const fields = [...text.matchAll(TOKEN)].map(([, quoted, bare]) => quoted ?? bare!);
      const answered = time.parse(fields[AT.time]);
      const status = statusOf(fields[AT.status]);
      if (Number.isNaN(answered)) return false;
      if (fields[AT.type]!.startsWith('ws')) {
        counts.note('{} connections of WebSockets are left out; they are no calls.');
        return true;
      }
      const parts = AT.times.map((at) => numberOf(fields[at]));
      const sum = parts.reduce((all, part) => all + Math.max(0, part), 0) * 1000;
      const created = time.parse(fields[AT.creation]);
      const start = Number.isNaN(created) ? answered - sum : created;
      const unmeasured = parts.every((part) => part < 0);
      const target = fields[AT.target] === '-' ? undefined : fields[AT.target];
      const notReached = target === undefined && status !== undefined && status >= 500;
      const request = /^(\S+) (?:https?:\/\/([^/:\s]+)\S*?(?=\/|\s|$))?(\S*)/.exec(fields[AT.request] ?? '');
      emit({
        start,
        durationMs: unmeasured ? answered - start : sum,
        status,
        error: notReached ? 'not_reached' : undefined,
        breaker: /:targetgroup\/([^/]+)\//.exec(fields[AT.group] ?? '')?.[1],
        instance: target,
        method: request?.[1],
        host: request?.[2],
        path: request?.[3],
        agent: fields[AT.agent],
      });
      return true;
    },
  };
}
