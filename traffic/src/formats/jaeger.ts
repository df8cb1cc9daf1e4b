import type { Sample } from '../input/sample.ts';
import type { Emit, Format } from './format.ts';
import { readLinesOrDocument } from './json-document.ts';
import { isObject, type JsonObject, listOf, numberOf, textOf } from './json-value.ts';
import { type Span, SpanReader } from './spans.ts';

/** Traces as exported by Jaeger's HTTP API and web page. */
export const jaeger: Format = {
  name: 'jaeger',
  title: 'Jaeger traces',
  matches: ({ text }: Sample) =>
    /^\s*\{\s*"data"\s*:\s*\[/.test(text) && /"traceID"/.test(text) && /"processes"|"spans"/.test(text),
  async *read(blocks, context) {
    const reader = new SpanReader(context.counts, context.options.spans ?? 'client');
    yield* readLinesOrDocument(blocks, context, 'data', (value, emit) => take(value, emit, reader));
    reader.end();
  },
};

function take(trace: JsonObject, emit: Emit, reader: SpanReader): boolean {
  const processes = isObject(trace.processes) ? trace.processes : {};
  const spans = listOf(trace.spans).filter(isObject);
  const serviceOf = (span: JsonObject) => {
    const process = processes[textOf(span.processID) ?? ''];
    return isObject(process) ? process : {};
  };
  // The service of the server span below a client span is the callee, even when no tag names it.
  const callees = new Map<string, string | undefined>();
  for (const span of spans) {
    if (kindOf(tagsOf(span.tags)) !== 'server') continue;
    for (const reference of listOf(span.references)) {
      if (isObject(reference)) callees.set(String(reference.spanID), textOf(serviceOf(span).serviceName));
    }
  }
  let good = Array.isArray(trace.spans);
  for (const span of spans) {
    const start = numberOf(span.startTime);
    const length = numberOf(span.duration);
    if (Number.isNaN(start) || Number.isNaN(length)) {
      good = false;
      continue;
    }
    const process = serviceOf(span);
    const tags = tagsOf(span.tags);
    const own = tagsOf(process.tags);
    const taken = reader.take({
      start: start / 1000,
      durationMs: length / 1000,
      kind: kindOf(tags),
      name: textOf(span.operationName),
      failed: tags.get('error') === true || tags.get('error') === 'true' || tags.get('otel.status_code') === 'ERROR',
      service: textOf(process.serviceName),
      instance: textOf(own.get('k8s.pod.name')) ?? textOf(own.get('hostname')) ?? textOf(own.get('host.name')),
      callee: textOf(tags.get('peer.service')) ?? callees.get(String(span.spanID)),
      attributes: tags,
    });
    if (taken !== undefined) emit(taken);
  }
  return good;
}

function kindOf(tags: ReadonlyMap<string, unknown>): Span['kind'] {
  const kind = tags.get('span.kind');
  return kind === 'client' || kind === 'server' ? kind : 'other';
}

function tagsOf(list: unknown): Map<string, unknown> {
  return new Map(
    listOf(list)
      .filter(isObject)
      .map(({ key, value }) => [String(key), value]),
  );
}
