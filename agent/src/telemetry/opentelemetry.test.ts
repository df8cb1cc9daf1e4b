import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Registry as PromRegistry } from 'prom-client';
import { getBreaker } from '../index.ts';
import { markSpans, observeInto } from './opentelemetry.ts';
import { collectInto } from './prom-client.ts';

const metricsExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: metricsExporter, exportIntervalMillis: 3_600_000 });
const meters = new MeterProvider({ readers: [reader] });
const spans = new InMemorySpanExporter();
const traces = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(traces);
});
afterAll(async () => {
  await meters.shutdown();
  await traces.shutdown();
  trace.disable();
  context.disable();
});

/** Every collected value, as `name{breaker,…} value`. */
async function collected(): Promise<string[]> {
  metricsExporter.reset();
  await reader.forceFlush();
  const scopes = metricsExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
  return scopes
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => `${descriptor.name} ${Object.values(attributes).join(' ')} ${value}`),
    );
}

describe('the metrics', () => {
  it('are read at each collection until that is ended', async () => {
    const off = observeInto(meters.getMeter('test'));
    const breaker = getBreaker('otel', { defaults: { trip: { consecutiveFailures: 1 } } });
    breaker.enter()!.succeed();
    expect(await collected()).toContain('fuseboard.calls otel succeeded 1');
    breaker.enter()!.fail();
    breaker.enter();
    expect(await collected()).toEqual(
      expect.arrayContaining([
        'fuseboard.breaker.state otel closed 0',
        'fuseboard.breaker.state otel open 1',
        'fuseboard.calls otel succeeded 1',
        'fuseboard.calls otel failed 1',
        'fuseboard.rejected otel 1',
        'fuseboard.call.duration.count otel +Inf 2',
        'fuseboard.link.state Defaults 1',
      ]),
    );
    off();
    breaker.enter();
    expect(await collected()).not.toContain('fuseboard.rejected otel 2');
  });

  it('are those that Prometheus gets', async () => {
    const off = observeInto(meters.getMeter('both'));
    getBreaker('otel-both').enter()!.succeed();
    const register = new PromRegistry();
    collectInto(register);
    const number = (line: string) => line.slice(line.lastIndexOf(' ') + 1);
    const theirs = (await register.metrics()).split('\n').filter((line) => line.includes('breaker="otel-both"'));
    const ours = (await collected()).filter((line) => line.includes(' otel-both '));
    // In Prometheus, the count and the sum of a histogram are separate series.
    expect(ours.map(number)).toEqual(theirs.filter((line) => !/seconds_(count|sum)/.test(line)).map(number));
    off();
  });
});

describe('spans', () => {
  it('say what a call did to a breaker, and that it was not let through', async () => {
    const off = markSpans(trace);
    const breaker = getBreaker('otel-span', { defaults: { trip: { consecutiveFailures: 1 } } });
    const call = (name: string) =>
      trace.getTracer('test').startActiveSpan(name, async (span) => {
        await breaker.execute(() => Promise.reject(new Error('down'))).catch(() => {});
        span.end();
      });
    await Promise.all([
      call('first'),
      trace.getTracer('test').startActiveSpan('bystander', async (span) => span.end()),
    ]);
    await call('second');
    trace.getTracer('test').startActiveSpan('third', (span) => {
      breaker.enter();
      span.end();
    });
    breaker.enter();
    off();
    await call('fourth');
    const events = Object.fromEntries(spans.getFinishedSpans().map(({ name, events }) => [name, events]));
    expect(events.first).toEqual([
      expect.objectContaining({
        name: 'fuseboard.transition',
        attributes: { breaker: 'otel-span', from: 'closed', to: 'open', reason: 'consecutive-failures' },
      }),
    ]);
    for (const name of ['second', 'third']) {
      expect(events[name]).toEqual([
        expect.objectContaining({
          name: 'fuseboard.rejection',
          attributes: { breaker: 'otel-span', code: 'ERR_FUSEBOARD_OPEN', 'retry_after.ms': expect.any(Number) },
        }),
      ]);
    }
    expect([events.bystander, events.fourth]).toEqual([[], []]);
  });
});
