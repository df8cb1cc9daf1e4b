import type { Entry } from 'har-format';
import type { Sample } from '../input/sample.ts';
import type { Context, Emit, Format } from './format.ts';
import { readDocument } from './json-document.ts';
import { isObject, numberOf, statusOf, textOf } from './json-value.ts';
import { hostOf } from './spans.ts';

/** Calls of one browser, as exported by its network panel. */
export const har: Format = {
  name: 'har',
  title: 'HAR of a browser',
  matches: ({ text }: Sample) => /^\s*\{\s*"log"\s*:\s*\{/.test(text),
  async *read(blocks, context) {
    context.counts.note('A HAR holds the calls of one browser: seldom enough to choose a threshold by.');
    yield* readDocument(
      blocks,
      context,
      ['$.log.entries.*'],
      (value, emit) => typeof value === 'object' && take(value as unknown as Entry, emit, context),
    );
  },
};

function take(entry: Entry, emit: Emit, { counts, time }: Context): boolean {
  const start = time.parse(entry.startedDateTime);
  if (Number.isNaN(start) || !isObject(entry.request) || !isObject(entry.response)) return false;
  if (entry._fromCache) {
    counts.note('{} answers came from a cache and are left out; they are no calls.');
    return true;
  }
  const status = statusOf(entry.response.status);
  const failed = status === undefined || status <= 0;
  emit({
    start,
    durationMs: lengthOf(entry),
    status: failed ? undefined : status,
    error: failed ? kindOf((entry.response as { _error?: unknown })._error) : undefined,
    outcome: failed ? 'failure' : undefined,
    breaker: hostOf(entry.request.url),
    host: hostOf(entry.request.url),
    method: entry.request.method,
    path: entry.request.url,
  });
  return true;
}

/** `time` is the sum of the timings. When it is absent, they are summed; -1 means that a part did not occur. */
function lengthOf({ time, timings }: Entry): number {
  const total = numberOf(time);
  if (total >= 0) return total;
  if (!isObject(timings)) return Number.NaN;
  const { blocked, dns, connect, send, wait, receive } = timings as unknown as Record<string, unknown>;
  const known = [blocked, dns, connect, send, wait, receive].map(numberOf).filter((part) => part >= 0);
  return known.length === 0 ? Number.NaN : known.reduce((sum, part) => sum + part, 0);
}

function kindOf(error: unknown): string {
  const text = textOf(error);
  return text !== undefined && /^[\w:.-]{1,80}$/.test(text) ? text : 'no_answer';
}
