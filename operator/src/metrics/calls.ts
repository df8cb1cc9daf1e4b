import type { Totals } from '@fuseboard/schema';
import { latencyBoundMs } from '@fuseboard/schema';
import type { Metric, Registry } from 'prom-client';
import type { CounterSeries, Counters } from '../core/fleet/counters.ts';
import type { MetricReader } from './reading.ts';

const OUTCOMES = ['succeeded', 'failed', 'ignored', 'rejected'] as const;

const EXTRAS: readonly (readonly [metric: string, total: keyof Totals, help: string])[] = [
  ['slow_calls', 'slow', 'Calls that took longer than slowerThan of the policy.'],
  ['timed_out_calls', 'timedOut', 'Calls that reached the timeout of the policy.'],
  ['shadow_rejected_calls', 'shadowRejected', 'Calls that passed and would have been rejected in mode Enforce.'],
  ['retried_calls', 'retried', 'Attempts after the first one of a call.'],
  ['fallback_calls', 'fallback', 'Calls that were answered by a fallback.'],
];

/** The counts in agents' reports, summed by policy and breaker. */
export function callMetrics({ counter }: MetricReader, registry: Registry, counters: Counters): void {
  const series = ['namespace', 'policy', 'breaker'] as const;
  counter('calls', 'Calls that agents reported, by outcome.', [...series, 'outcome'], (add) => {
    for (const { namespace, policy, breaker, totals } of counters.list()) {
      for (const outcome of OUTCOMES) add({ namespace, policy, breaker, outcome }, totals[outcome]);
    }
  });
  for (const [metric, total, help] of EXTRAS) {
    counter(metric, help, [...series], (add) => {
      for (const { namespace, policy, breaker, totals } of counters.list()) {
        add({ namespace, policy, breaker }, totals[total]);
      }
    });
  }
  registry.registerMetric(durations(() => counters.list()));
  counter('transitions', 'Transitions that agents reported, by the new state.', [...series, 'to'], (add) => {
    for (const { namespace, policy, breaker, entered } of counters.list()) {
      for (const [to, value] of Object.entries(entered)) add({ namespace, policy, breaker, to }, value);
    }
  });
}

/**
 * Call durations from the buckets in agents' reports. The reports contain no sum of durations, so quantiles can be
 * computed, but not an average.
 */
function durations(list: () => readonly CounterSeries[]): Metric {
  const name = 'fuseboard_call_duration_seconds';
  const get = async () => {
    const values = list().flatMap(({ namespace, policy, breaker, latency }) => {
      let calls = 0;
      const buckets = latency.map((count, i) => {
        calls += count;
        const le = i === latency.length - 1 ? '+Inf' : `${latencyBoundMs(i) / 1_000}`;
        return { metricName: `${name}_bucket`, labels: { namespace, policy, breaker, le }, value: calls };
      });
      return [...buckets, { metricName: `${name}_count`, labels: { namespace, policy, breaker }, value: calls }];
    });
    return { name, help: 'How long calls took, as agents reported.', type: 'histogram', aggregator: 'sum', values };
  };
  return { name, labelNames: ['namespace', 'policy', 'breaker'], get, reset() {} } as unknown as Metric;
}
