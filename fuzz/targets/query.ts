import { parse } from 'node:querystring';
import { formatDuration, parseDuration, StreamQuerySchema } from '@fuseboard/schema';
import { isBehind, parseSince } from '../../operator/src/core/delivery/resource-versions.ts';
import { parseLabels } from '../../operator/src/core/policy/selector.ts';
import { corpus, must, type Target } from '../target.ts';

/** Runs what may refuse with a sentence. */
function refusing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    must(error instanceof RangeError, `${(error as Error).stack}`);
    return undefined;
  }
}

/** How an agent introduces itself. */
export const query: Target = {
  name: 'query',
  corpus: corpus('query'),
  share: 100,
  run(input) {
    const parsed = StreamQuerySchema.safeParse(parse(input.toString()));
    if (!parsed.success) return { sound: false };
    const labels = refusing(() => parseLabels(parsed.data.labels));
    const since = refusing(() => parseSince(parsed.data.since));
    if (labels) {
      must(Object.getPrototypeOf(labels) === Object.prototype, 'labels have another prototype');
      must(
        Object.values(labels).every((value) => typeof value === 'string'),
        'a label is no text',
      );
    }
    if (since) isBehind({ policies: '1' }, since);
    return { sound: labels !== undefined && since !== undefined, made: JSON.stringify(labels ?? {}).length };
  },
};

/** A duration, as a policy or a flag spells it. */
export const duration: Target = {
  name: 'duration',
  corpus: ['1m30s', '250ms', '24h', '1h1m1s1ms', '00001s', '99999ms'].map((text) => Buffer.from(text)),
  share: 100,
  run(input) {
    const ms = parseDuration(input.toString());
    if (ms === undefined) return { sound: false };
    must(ms >= 1 && ms <= 86_400_000, `is ${ms} ms`);
    must(parseDuration(formatDuration(ms)) === ms, `is written back as ${formatDuration(ms)}`);
    return { sound: true };
  },
};
