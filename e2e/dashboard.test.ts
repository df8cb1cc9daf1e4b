import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { getBreaker, start } from '@fuseboard/agent';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { type MetricsServer, serveMetrics } from './processes/metrics-server.ts';
import { OperatorProcess } from './processes/operator.ts';
import { checkMetrics, Prometheus } from './processes/prometheus.ts';

const CHART = fileURLToPath(new URL('../charts/fuseboard', import.meta.url));
/** A query has this long to have an answer, while traffic continues. */
const PATIENCE_MS = 60_000;

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { name: string; type: string; definition?: string }[] };
}

const dashboard = JSON.parse(await readFile(`${CHART}/dashboards/fuseboard.json`, 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }, i) => [`${title} ${i + 1}`, expr] as const),
);
const variables = dashboard.templating.list.filter(({ type }) => type === 'query');
const ALL = { namespace: '.+', policy: '.+', breaker: '.+' };
const ONE = { namespace: 'shop', policy: 'partner', breaker: 'partner' };
const choose = (expression: string, chosen: Readonly<Record<string, string>>) =>
  expression.replaceAll('$__rate_interval', '1m').replace(/\$(\w+)/g, (_, name: string) => {
    if (chosen[name] === undefined) throw new Error(`${expression}: there is no variable ${name}`);
    return chosen[name];
  });

let cluster: Cluster;
let operator: OperatorProcess;
let application: MetricsServer;
let prometheus: Prometheus;
const agents: AgentProcess[] = [];
const ending = new AbortController();
let traffic: Promise<unknown> = Promise.resolve();

/** The agent in this process. */
const search = () => start({ url: operator.url, service: 'search', namespace: 'shop' });
const apply = (name: string, spec: object) => cluster.apply(policy('shop', name, spec));
/** What fails for a while, and recovers. */
const partner = (consecutiveFailures: number) =>
  apply('partner', { breakers: ['partner'], trip: { consecutiveFailures }, recovery: { openDuration: '1s' } });

/** Calls that fail until the circuit opens, and succeed until it closes, again and again; now and then an edit. */
async function keepCalling(): Promise<void> {
  for (let round = 0; !ending.signal.aborted; round += 1) {
    if (round % 5 === 0) await partner(3 + (round % 2));
    for (const agent of agents) {
      await agent.call('partner', 'ok', 'fail', 'fail', 'fail', 'fail', 'fail', 'ok');
    }
    await getBreaker('partner').execute(() => 'paid', { fallback: () => 'later' });
    await sleep(1_100);
    for (const agent of agents) await agent.call('partner', 'ok', 'ok');
  }
}

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.namespace('shop');
  await partner(3);
  await apply('down', { breakers: ['down'], trip: { consecutiveFailures: 1 }, recovery: { openDuration: '10m' } });
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
  const environment = { FUSEBOARD_URL: operator.url, FUSEBOARD_NAMESPACE: 'shop', FUSEBOARD_SERVICE: 'checkout' };
  agents.push(await AgentProcess.start(environment), await AgentProcess.start(environment));
  application = await serveMetrics();
  await search().ready({ timeout: '20s' });

  prometheus = await Prometheus.start(
    {
      fuseboard: { port: operator.metricsPort, labels: { namespace: 'fuseboard-system' } },
      search: { port: application.port, labels: { namespace: 'shop' } },
    },
    [`${CHART}/rules/*.yaml`],
  );
  await eventually(async () => (await prometheus.query('sum(up)'))[0]?.value[1] === '2', PATIENCE_MS);
  await agents[0]!.call('down', 'fail');
  traffic = keepCalling();
}, 600_000);

afterAll(async () => {
  ending.abort();
  await traffic;
  if (operator) await search().stop({ flushMs: 0 });
  await prometheus?.stop();
  application?.close();
  await Promise.all(agents.map((one) => one.end()));
  await operator?.end();
  await cluster?.stop();
});

/** A number for each query; a quantile of nothing is none. */
const answered = (expression: string) =>
  eventually(async () => {
    const samples = await prometheus.query(expression);
    if (samples.length === 0 || samples.every(({ value }) => value[1] === 'NaN')) {
      throw new Error(`no data for ${expression}`);
    }
    return samples;
  }, PATIENCE_MS);

describe('the dashboard', () => {
  it('asks for something in every panel', () => {
    expect(queries.length).toBeGreaterThan(20);
    expect(variables.map(({ name }) => name)).toEqual(['namespace', 'policy', 'breaker']);
  });

  it.each(variables)('offers values for $name', async ({ name, definition }) => {
    const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(definition!)!;
    expect(label).toBe(name);
    const values = await eventually(async () => {
      const found = await prometheus.labelValues(choose(selector!, ALL), label!);
      return found.includes(ONE[name as keyof typeof ONE]) && found;
    }, PATIENCE_MS);
    expect(values).not.toContain('fuseboard-system');
  });

  it.each(queries)(
    '%s has data, for everything and for one breaker',
    async (_title, expr) => {
      await answered(choose(expr, ALL));
      await answered(choose(expr, ONE));
    },
    3 * PATIENCE_MS,
  );
});

describe('the rules', () => {
  it('are evaluated without an error, and every recording rule has data', async () => {
    const rules = await eventually(async () => {
      const loaded = await prometheus.rules();
      return loaded.length > 0 && loaded.every(({ health }) => health !== 'unknown') && loaded;
    }, PATIENCE_MS);
    expect(rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => [name, lastError])).toEqual([]);
    const recorded = rules.filter(({ type }) => type === 'recording').map(({ name }) => name);
    expect(recorded.length).toBeGreaterThan(5);
    for (const name of recorded) await answered(`{__name__="${name}"}`);
  }, 120_000);

  it('see the breaker that stays open, with its policy and its namespace, and nothing that is not so', async () => {
    const alerts = await eventually(async () => {
      const active = (await prometheus.rules()).flatMap(({ name, alerts = [] }) =>
        alerts.map(({ labels }) => ({ name, ...labels })),
      );
      return active.some((alert) => 'breaker' in alert && alert.breaker === 'down') && active;
    }, PATIENCE_MS);
    const labels = { namespace: 'shop', policy: 'down', breaker: 'down', severity: 'warning' };
    expect(alerts).toContainEqual(expect.objectContaining({ name: 'FuseboardBreakerOpenTooLong', ...labels }));
    const strange = alerts.filter(({ name }) => !/^FuseboardBreaker(OpenTooLong|Flapping)$/.test(name));
    expect(strange).toEqual([]);
  }, 120_000);
});

describe('the metrics of an operator with a cluster', () => {
  it('pass promtool, with requests to the API server and writes of status among them', async () => {
    const text = await operator.metrics();
    expect(await checkMetrics(text)).toBe('');
    expect(text).toMatch(/^controller_runtime_reconcile_total\{controller="writes",result="success"\} [1-9]/m);
    expect(text).toMatch(/^rest_client_requests_total\{code="200",method="PUT",host="127\.0\.0\.1:\d+"\} [1-9]/m);
    expect(text).toMatch(/^fuseboard_apply_duration_seconds_count [1-9]/m);
    expect(text).toContain('fuseboard_agents_behind{namespace="shop"} ');
  });
});
