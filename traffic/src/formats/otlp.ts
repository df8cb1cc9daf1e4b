import type { Sample } from '../input/sample.ts';
import type { Context, Emit, Format } from './format.ts';
import { readLinesOrDocument } from './json-document.ts';
import { isObject, type JsonObject, listOf, numberOf, textOf } from './json-value.ts';
import { type Span, SpanReader, sampledShare } from './spans.ts';

/** Traces from the file exporter of the OpenTelemetry collector: one object per line, or one large document. */
export const otlp: Format = {
  name: 'otlp',
  title: 'OpenTelemetry traces (OTLP as JSON)',
  matches: ({ text }: Sample) => /^\s*\{\s*"resource_?Spans"\s*:/i.test(text),
  async *read(blocks, context) {
    const reader = new SpanReader(context.counts, context.options.spans ?? 'client');
    yield* readLinesOrDocument(blocks, context, 'resourceSpans', (value, emit) => take(value, emit, reader, context));
    reader.end();
  },
};

function take(value: JsonObject, emit: Emit, reader: SpanReader, { counts }: Context): boolean {
  const resource = attributesOf(isObject(value.resource) ? value.resource.attributes : undefined);
  const text = (...names: string[]) =>
    names.map((name) => textOf(resource.get(name))).find((found) => found !== undefined);
  // Before 2022, the list was called instrumentationLibrarySpans.
  for (const scope of listOf(value.scopeSpans ?? value.instrumentationLibrarySpans)) {
    for (const span of listOf(isObject(scope) ? scope.spans : undefined)) {
      if (!isObject(span)) return false;
      const timed = timesOf(span);
      if (timed === undefined) return false;
      const share = sampledShare(span.traceState);
      if (share !== undefined && share < 1) counts.sampling ??= { kind: 'head', rate: share };
      const status = isObject(span.status) ? span.status.code : undefined;
      const taken = reader.take({
        ...timed,
        kind: kindOf(span.kind),
        name: textOf(span.name),
        failed: status === 2 || status === 'STATUS_CODE_ERROR',
        service: text('service.name'),
        instance: text('k8s.pod.name', 'service.instance.id', 'host.name'),
        attributes: attributesOf(span.attributes),
      });
      if (taken !== undefined) emit(taken);
    }
  }
  return true;
}

/** Nanoseconds since 1970 exceed the exact range of a number, so they are strings. */
function timesOf(span: JsonObject): { start: number; durationMs: number } | undefined {
  try {
    const start = BigInt((span.startTimeUnixNano as string | number | undefined) ?? '');
    const end = BigInt((span.endTimeUnixNano as string | number | undefined) ?? '');
    if (start <= 0n) return undefined;
    return {
      start: Number(start / 1000n) / 1000,
      durationMs: end < start ? Number.NaN : Number(end - start) / 1_000_000,
    };
  } catch {
    return undefined;
  }
}

function kindOf(kind: unknown): Span['kind'] {
  if (kind === 3 || kind === 'SPAN_KIND_CLIENT') return 'client';
  return kind === 2 || kind === 'SPAN_KIND_SERVER' ? 'server' : 'other';
}

function attributesOf(list: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const one of listOf(list)) {
    if (!isObject(one) || typeof one.key !== 'string' || !isObject(one.value)) continue;
    const { stringValue, intValue, doubleValue, boolValue } = one.value;
    const value = stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : numberOf(intValue));
    if (value !== undefined) found.set(one.key, value);
  }
  return found;
}
