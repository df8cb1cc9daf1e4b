import type { Totals } from '@fuseboard/schema';
import express, { type Express } from 'express';
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import type { Controller } from '../controller.ts';
import type { Clock } from '../core/clock.ts';
import type { Series } from '../core/counters.ts';
import { GONE_AFTER_MS, STALE_AFTER_MS } from '../core/fleet.ts';
import { conditionOf } from '../core/status.ts';
import type { Audit } from './audit.ts';
import { refuseOtherMethods } from './methods.ts';
import { metricsPaths } from './metrics.paths.ts';
import { answerProblems, answerUnknown } from './problem.ts';
import type { Streams } from './streams.ts';

export interface MetricsOptions {
  readonly controller: Controller;
  readonly streams: Streams;
  readonly audit: Audit;
  readonly adminAudit: Audit;
  readonly clock: Clock;
}

type Outcome = readonly [label: string, total: keyof Totals];

const OUTCOMES: readonly Outcome[] = [
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
  ['ignored', 'ignored'],
  ['rejected', 'rejected'],
];

const EXTRAS: readonly (readonly [metric: string, total: keyof Totals, help: string])[] = [
  ['slow_calls', 'slow', 'Calls that took longer than the policy calls slow.'],
  ['timed_out_calls', 'timedOut', 'Calls that were given up after the timeout of the policy.'],
  ['shadow_rejected_calls', 'shadowRejected', 'Calls that passed and would have been rejected in mode Enforce.'],
  ['retried_calls', 'retried', 'Further attempts at calls.'],
  ['fallback_calls', 'fallback', 'Calls that were answered by a fallback.'],
];

/** Gauges of the library whose names say that they are counters; the same numbers come by type under better names. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Metrics for Prometheus, read from the state of the operator at each scrape. No series is about a single agent. */
export function metricsRegistry({ controller, streams, audit, adminAudit, clock }: MetricsOptions): Registry {
  const registry = new Registry();
  const { boards, fleet, judge, replicas, source } = controller;
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);

  const gauge = <L extends string>(name: string, help: string, labelNames: L[], read: (set: Set<L>) => void) =>
    new Gauge({
      name: `fuseboard_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        read((labels, value) => this.inc(labels, value));
      },
    });
  const counter = <L extends string>(name: string, help: string, labelNames: L[], read: (set: Set<L>) => void) =>
    new Counter({
      name: `fuseboard_${name}_total`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        read((labels, value) => this.inc(labels, value));
      },
    });
  const each = () => boards.namespaces().flatMap((namespace) => boards.policies(namespace).map(({ policy }) => policy));

  gauge('policies', 'Policies by what became of them.', ['namespace', 'accepted'], (set) => {
    for (const policy of each()) {
      const accepted = conditionOf(judge.status(policy), 'Accepted')?.reason ?? 'Unknown';
      set({ namespace: policy.namespace, accepted }, 1);
    }
  });
  gauge('policy_agents', 'Agents of a policy by what they made of it.', ['namespace', 'policy', 'state'], (set) => {
    for (const { namespace, name: policy, uid } of each()) {
      const { matched = 0, applied = 0, rejected = 0, stale = 0 } = judge.counts(uid)?.agents ?? {};
      for (const [state, value] of Object.entries({ matched, applied, rejected, stale })) {
        set({ namespace, policy, state }, value);
      }
    }
  });
  gauge('breakers', 'Breakers of a policy over all agents, by state.', ['namespace', 'policy', 'state'], (set) => {
    for (const { namespace, name: policy, uid } of each()) {
      const { closed = 0, open = 0, halfOpen = 0, shadowOpen = 0 } = judge.counts(uid)?.breakers ?? {};
      const states = { closed, open, 'half-open': halfOpen, 'shadow-open': shadowOpen };
      for (const [state, value] of Object.entries(states)) set({ namespace, policy, state }, value);
    }
  });
  gauge('agents', 'Agents that this replica knows.', ['namespace', 'state'], (set) => {
    const now = clock.now();
    for (const { identity, heardAt } of fleet.agents()) {
      const silent = now - heardAt;
      const state = silent >= GONE_AFTER_MS ? 'gone' : silent >= STALE_AFTER_MS ? 'stale' : 'live';
      set({ namespace: identity.namespace, state }, 1);
    }
  });

  const series = ['namespace', 'policy', 'breaker'] as const;
  counter('calls', 'Calls that agents reported, by how they ended.', [...series, 'outcome'], (set) => {
    for (const { namespace, policy, breaker, totals } of fleet.counters.list()) {
      for (const [outcome, total] of OUTCOMES) set({ namespace, policy, breaker, outcome }, totals[total]);
    }
  });
  for (const [metric, total, help] of EXTRAS) {
    counter(metric, help, [...series], (set) => {
      for (const { namespace, policy, breaker, totals } of fleet.counters.list()) {
        set({ namespace, policy, breaker }, totals[total]);
      }
    });
  }
  registry.registerMetric(durations(() => fleet.counters.list()));
  counter('transitions', 'Changes of state that agents reported, by the state entered.', [...series, 'to'], (set) => {
    for (const { namespace, policy, breaker, entered } of fleet.counters.list()) {
      for (const [to, value] of Object.entries(entered)) set({ namespace, policy, breaker, to }, value);
    }
  });

  const { traffic } = streams;
  gauge('streams', 'Open streams.', [], (set) => set({}, streams.count));
  counter('streams_opened', 'Streams that were opened.', [], (set) => set({}, traffic.opened));
  counter('streams_refused', 'Streams that were refused with 503.', ['reason'], (set) => {
    for (const [reason, value] of Object.entries(traffic.refused)) set({ reason }, value);
  });
  counter('agents_denied', 'Requests of agents that were not served because of who sent them.', ['reason'], (set) => {
    for (const [reason, value] of Object.entries(audit.denied)) set({ reason }, value);
  });
  counter(
    'admin_denied',
    'Requests to the admin API that were not served because of who sent them.',
    ['reason'],
    (set) => {
      for (const [reason, value] of Object.entries(adminAudit.denied)) set({ reason }, value);
    },
  );
  counter('commits', 'Sets of policies that were written to streams.', [], (set) => set({}, traffic.commits));
  counter('pushed_bytes', 'Bytes of policies that were written to streams.', [], (set) => set({}, traffic.bytes));
  counter('reports', 'Parts of reports that came in.', ['result'], (set) => {
    for (const [result, value] of Object.entries(traffic.reports)) set({ result }, value);
  });

  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this replica leads: 1 on one of all replicas.',
    labelNames: ['name'],
    registers,
    collect() {
      this.set({ name: 'fuseboard' }, replicas.leading ? 1 : 0);
    },
  });
  gauge('source_synced', 'Whether the policies were read at least once.', [], (set) =>
    set({}, source.state().synced ? 1 : 0),
  );
  gauge('source_outage', 'Whether the policies cannot be read right now.', [], (set) =>
    set({}, source.state().outage === undefined ? 0 : 1),
  );
  gauge('source_problems', 'Things in the source that could not become a policy.', [], (set) =>
    set({}, source.state().problems.length),
  );
  return registry;
}

/**
 * How long calls took, as agents counted them in buckets of their own. They know no sum, and none is made up: quantiles can
 * be told from this, an average cannot.
 */
function durations(list: () => readonly Series[]): Metric {
  const name = 'fuseboard_call_duration_seconds';
  const get = async () => {
    const values = list().flatMap(({ namespace, policy, breaker, latency }) => {
      let calls = 0;
      const buckets = latency.map((count, i) => {
        calls += count;
        const le = i === latency.length - 1 ? '+Inf' : `${(2 ** i * 0.125) / 1_000}`;
        return { metricName: `${name}_bucket`, labels: { namespace, policy, breaker, le }, value: calls };
      });
      return [...buckets, { metricName: `${name}_count`, labels: { namespace, policy, breaker }, value: calls }];
    });
    return { name, help: 'How long calls took, as agents reported.', type: 'histogram', aggregator: 'sum', values };
  };
  return { name, get, reset() {} } as unknown as Metric;
}

type Set<L extends string> = (labels: Partial<Record<L, string>>, value: number) => void;

export interface ProbesOptions {
  readonly registry: Registry;
  /** Why no agent should be sent here; absent when all is well. */
  readonly unready: () => string | undefined;
  readonly onError: (error: unknown) => void;
}

/** `/metrics`, `/livez` and `/readyz`. The first probe says that the process answers, whatever it can reach. */
export function metricsApp({ registry, unready, onError }: ProbesOptions): Express {
  const app = express().disable('x-powered-by').disable('etag');
  app.use(refuseOtherMethods(metricsPaths));
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', registry.contentType).end(await registry.metrics());
  });
  app.get('/livez', (_request, response) => {
    response.type('text').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const reason = unready();
    response
      .status(reason === undefined ? 200 : 503)
      .type('text')
      .send(`${reason ?? 'ok'}\n`);
  });
  app.use(answerUnknown);
  app.use(answerProblems(onError));
  return app;
}
