import type { Outcome } from '../call.ts';
import { OUTCOMES } from '../call.ts';
import type { Sample } from '../input/sample.ts';
import type { Observation } from '../observation.ts';
import { ReadError } from '../read-error.ts';
import type { Context, Format } from './format.ts';
import { readDocument } from './json-document.ts';
import { isObject, type JsonObject, listOf, numberOf, textOf } from './json-value.ts';
import { MAX_COUNTED_CALLS, MAX_SPAN_DAYS, type StepGroup, Steps } from './prometheus-steps.ts';

const CODE = [
  'code',
  'status',
  'status_code',
  'http_status',
  'response_code',
  'http_response_status_code',
  'envoy_response_code',
  'envoy_response_code_class',
];
const BREAKER = [
  'breaker',
  'upstream_cluster',
  'envoy_cluster_name',
  'destination_service',
  'destination',
  'service',
  'job',
];
const INSTANCE = ['pod', 'kubernetes_pod_name', 'instance'];

/** Maximum difference in time between calls of different groups, which are sorted afterwards. */
const SLICE_MS = 10_000;

/**
 * The result of a range query for a counter of calls. It has the number of calls by outcome in each step, but not their
 * times or durations.
 */
export const prometheus: Format = {
  name: 'prometheus',
  title: 'answer of a Prometheus range query',
  matches: ({ text }: Sample) =>
    /^\s*\{\s*"status"\s*:\s*"(success|error)"/.test(text) && /"resultType"|"errorType"/.test(text),
  async *read(blocks, context) {
    const steps = new Steps();
    yield* readDocument(blocks, context, ['$.data.result.*', '$.data.resultType', '$.error'], (value) =>
      take(value, steps, context),
    );
    context.counts.note(
      `Counts for each step of ${steps.stepMs / 1000} s, spread evenly over it: the order of calls within a step is not known. Use windows of at least ${(2 * steps.stepMs) / 1000} s; runs of failures cannot be judged.`,
    );
    context.counts.note('Counters hold no durations: slow calls cannot be judged.');
    if (steps.resets > 0)
      context.counts.note(
        `${steps.resets} resets of counters were found; what was counted between the last reading and a reset is lost.`,
      );
    yield* calls(steps);
  },
};

function take(value: JsonObject | string, steps: Steps, { counts }: Context): boolean {
  if (typeof value === 'string') {
    if (value === 'matrix') return true;
    throw new ReadError(
      value === 'vector' || value === 'scalar'
        ? `${counts.path} is the answer of an instant query; ask /api/v1/query_range for the counter over days`
        : `${counts.path} is an error of Prometheus, not an answer; query again`,
    );
  }
  const metric = isObject(value.metric) ? value.metric : {};
  const label = (names: readonly string[]) =>
    names.map((name) => textOf(metric[name])).find((text) => text !== undefined);
  const name = label(['__name__']);
  if (metric.le !== undefined || /_(bucket|sum)$/.test(name ?? '')) {
    counts.note('{} series of a histogram (buckets or sums) are left out; the counter of calls is read.');
    return true;
  }
  const code = label(CODE);
  const outcome = OUTCOMES.find((one) => one === metric.outcome);
  if (code === undefined && outcome === undefined)
    counts.note(
      '{} series have no label for the status or outcome and are taken as successes; query the counter by (code).',
    );
  const points = listOf(value.values).map((pair): readonly [number, number] => [
    numberOf(listOf(pair)[0]) * 1000,
    numberOf(listOf(pair)[1]),
  ]);
  const told = steps.add({ breaker: label(BREAKER), instance: label(INSTANCE), code, outcome }, points);
  if (told === 'rate') {
    throw new ReadError(
      `${counts.path} holds rates, not counts (values with fractions that rise and fall); query the raw counter, such as http_requests_total, without rate()`,
    );
  }
  if (told === 'excess') {
    throw new ReadError(
      `${counts.path} counts more than ${MAX_COUNTED_CALLS.toLocaleString('en')} calls or more than ${MAX_SPAN_DAYS} days; query a shorter time or fewer series`,
    );
  }
  return Array.isArray(value.values);
}

/** Calls almost in order of time: the calls of a step are spread evenly over it, separately for each group. */
function* calls(steps: Steps): Generator<Observation[]> {
  const slices = Math.ceil(steps.stepMs / SLICE_MS);
  let found: Observation[] = [];
  for (let slot = 0; slot < steps.length * slices; slot++) {
    const step = Math.floor(slot / slices);
    const slice = slot % slices;
    const start = steps.startOf(step);
    for (const group of steps.groups) {
      const count = group.counts[step] ?? 0;
      const end = Math.ceil(((slice + 1) * count) / slices - 0.5);
      for (let n = Math.ceil((slice * count) / slices - 0.5); n < end; n++) {
        const at = start + ((n + 0.5) / count) * steps.stepMs;
        found.push({ start: at, durationMs: Number.NaN, ...named(group) });
        if (found.length < 512) continue;
        yield found;
        found = [];
      }
    }
  }
  yield found;
}

function named({
  breaker,
  instance,
  code,
  outcome,
}: StepGroup): Partial<Observation> & { outcome?: Outcome | undefined } {
  const group = /^([1-5])(xx)?$/i.exec(code ?? '')?.[1];
  const status = group === undefined ? numberOf(code) : Number(group) * 100;
  return { breaker, instance, outcome, status: Number.isInteger(status) ? status : undefined };
}
