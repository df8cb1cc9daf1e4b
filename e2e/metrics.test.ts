import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getBreaker, start } from '@fuseboard/agent';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './cluster/run.ts';
import { type MetricsServer, serveMetrics } from './processes/metrics-server.ts';
import { OperatorProcess } from './processes/operator.ts';
import { checkMetrics, Prometheus } from './processes/prometheus.ts';

let operator: OperatorProcess;
let folder: string;
let application: MetricsServer;
let prometheus: Prometheus;
const agent = () => start({ url: operator.url, service: 'checkout' });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-metrics-'));
  const policies = join(folder, 'policies');
  await mkdir(policies);
  await writeFile(
    join(policies, 'payments.yaml'),
    'apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: payments }\nspec: { breakers: [payments], trip: { consecutiveFailures: 2 }, recovery: { openDuration: 10m } }\n',
  );
  operator = await OperatorProcess.start(`--policies=${policies}`);
  application = await serveMetrics();

  prometheus = await Prometheus.start({
    operator: { port: operator.metricsPort },
    application: { port: application.port },
  });
}, 60_000);

afterAll(async () => {
  await agent().stop({ flushMs: 0 });
  application?.close();
  await prometheus?.stop();
  await operator?.end();
  await rm(folder, { recursive: true, force: true });
});

describe('metrics', () => {
  it('of operator and agent pass promtool, and a real Prometheus scrapes both', async () => {
    await agent().ready({ timeout: '10s' });
    const payments = getBreaker('payments');
    await payments.execute(() => 'paid');
    for (const _ of [1, 2]) await payments.execute(() => Promise.reject(new Error('down'))).catch(() => {});
    await payments.execute(() => 'paid', { fallback: () => 'later' });
    expect(payments.state).toBe('open');

    const texts = [await operator.metrics(), await (await fetch(`http://127.0.0.1:${application.port}`)).text()];
    for (const text of texts) {
      expect(text.length).toBeGreaterThan(500);
      expect(await checkMetrics(text)).toBe('');
    }

    const value = async (expression: string) =>
      (await prometheus.query(expression)).map(({ value }) => Number(value[1]));
    await eventually(async () => (await value('sum(up)'))[0] === 2, 60_000);
    await eventually(async () => (await value('fuseboard_breaker_state{breaker="payments",state="open"}'))[0] === 1);
    await eventually(
      async () =>
        (await value('sum(fuseboard_calls_total{job="operator",breaker="payments",outcome="failed"})'))[0] === 2,
    );
  }, 120_000);
});
