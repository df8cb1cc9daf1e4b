import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Attributes, BatchObservableResult, Meter, Observable, TraceAPI } from '@opentelemetry/api';
import { linkState } from '../agent.ts';
import { registry } from '../breakers/registry.ts';
import { wantCallScopes } from '../call/scopes/call-scope.ts';
import { REJECTION_CHANNEL, type RejectionMessage } from '../errors/diagnostics.ts';
import { checkMethods } from '../errors/options.ts';
import { durationBuckets, LINK_STATES, METRICS, readings } from './metric-definitions.ts';

/**
 * Registers the metrics of all breakers of this process with a meter, `metrics.getMeter('checkout')`: those of the
 * prom-client adapter as observable instruments, such as `fuseboard.calls` with the attributes `breaker` and `outcome`.
 * `fuseboard.call.duration.count` counts, for each `le`, calls up to that many seconds. They are read at each
 * collection and cost nothing between collections.
 *
 * @returns a function that ends it.
 */
export function observeInto(meter: Meter): () => void {
  checkMethods('the meter of observeInto', meter, 'createObservableGauge', 'addBatchObservableCallback');
  const instruments = METRICS.map(({ name, type, help, points }) => {
    const options = { description: help };
    const title = ['fuseboard', ...name].join('.');
    const instrument =
      type === 'gauge' ? meter.createObservableGauge(title, options) : meter.createObservableCounter(title, options);
    return { instrument, points };
  });
  const durations = meter.createObservableCounter('fuseboard.call.duration.count', {
    description: 'Calls that took at most the number of seconds in the attribute le.',
  });
  const link = meter.createObservableGauge('fuseboard.link.state', {
    description: 'Whether the link is in this state (Live, Stale, LastGood or Defaults): 1 or 0.',
  });
  const read = (result: BatchObservableResult<Attributes>) => {
    for (const [breaker, stats] of readings()) {
      for (const { instrument, points } of [...instruments, { instrument: durations, points: durationBuckets }]) {
        for (const { labels, value } of points(stats)) result.observe(instrument, value, { breaker, ...labels });
      }
    }
    for (const state of LINK_STATES) result.observe(link, linkState() === state ? 1 : 0, { state });
  };
  const observables: Observable<Attributes>[] = [...instruments.map(({ instrument }) => instrument), durations, link];
  meter.addBatchObservableCallback(read, observables);
  return () => meter.removeBatchObservableCallback(read, observables);
}

/**
 * Adds an event to the active span when a call changes the state of a breaker, `fuseboard.transition`, or is rejected,
 * `fuseboard.rejection`. A transition that no call caused has no span and adds no event.
 *
 * @param trace `trace` of `@opentelemetry/api`.
 * @returns a function that ends it.
 */
export function markSpans(trace: Pick<TraceAPI, 'getActiveSpan'>): () => void {
  checkMethods('the trace of markSpans', trace, 'getActiveSpan');
  const mark = (name: string, attributes: Attributes) => {
    try {
      trace.getActiveSpan()?.addEvent(name, attributes);
    } catch {
      // An error of the span must not affect the call.
    }
  };
  const rejected = (message: unknown) => {
    const { breaker, code, retryAfterMs } = message as RejectionMessage;
    mark('fuseboard.rejection', { breaker, code, 'retry_after.ms': retryAfterMs });
  };
  wantCallScopes();
  const off = registry().onTransition(({ name: breaker }, { from, to, reason }) =>
    mark('fuseboard.transition', { breaker, from, to, reason }),
  );
  subscribe(REJECTION_CHANNEL, rejected);
  return () => {
    off();
    unsubscribe(REJECTION_CHANNEL, rejected);
  };
}
