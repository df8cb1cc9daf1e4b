import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Controller } from '../control/controller.ts';
import type { Clock } from '../core/clock.ts';
import type { Streams } from '../http/agents/streams.ts';
import type { Audit } from '../http/audit.ts';
import { agentMetrics } from './agents.ts';
import { callMetrics } from './calls.ts';
import type { Instruments } from './instruments.ts';
import { limitMetrics } from './limits.ts';
import { outageMetrics } from './outages.ts';
import { policyMetrics } from './policies.ts';
import { readingInto } from './reading.ts';
import { type Certificates, replicaMetrics } from './replica.ts';
import { trafficMetrics } from './traffic.ts';

export interface MetricsOptions {
  readonly controller: Controller;
  readonly streams: Streams;
  readonly audit: Audit;
  readonly adminAudit: Audit;
  readonly instruments: Instruments;
  readonly clock: Clock;
  /** Absent: no certificate is served. */
  readonly certificates?: Certificates;
}

/**
 * Gauges of the library with the name suffix of counters. The same numbers are available by type under better names.
 */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Metrics for Prometheus. No series is about a single agent, so that their number does not grow with the fleet. */
export function metricsRegistry({
  controller,
  streams,
  audit,
  adminAudit,
  instruments,
  clock,
  certificates,
}: MetricsOptions): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const reading = readingInto(registry);
  policyMetrics(reading, controller);
  agentMetrics(reading, controller.fleet, clock);
  outageMetrics(reading, controller.fleet.outages, clock);
  callMetrics(reading, registry, controller.fleet.counters);
  trafficMetrics(reading, streams, audit, adminAudit);
  limitMetrics(reading, controller);
  replicaMetrics(reading, registry, controller, certificates);
  for (const metric of instruments.metrics) registry.registerMetric(metric);
  return registry;
}
