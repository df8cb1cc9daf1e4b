import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

let cluster: Cluster;
let operator: OperatorProcess;
const agents: AgentProcess[] = [];

const agent = async (labels = '', more: Record<string, string> = {}) => {
  const started = await AgentProcess.start({
    FUSEBOARD_URL: operator.url,
    FUSEBOARD_NAMESPACE: 'shop',
    FUSEBOARD_SERVICE: 'checkout',
    FUSEBOARD_LABELS: labels,
    ...more,
  });
  agents.push(started);
  await eventually(async () => expect((await started.link()).state).toBe('Live'));
  return started;
};
const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'the partner asked', duration: '10m' };
const override = (name: string, spec: object = SPEC) => ({
  apiVersion: 'fuseboard.dev/v1alpha1',
  kind: 'CircuitBreakerOverride',
  metadata: { name, namespace: 'shop' },
  spec,
});
const apply = (object: object, kubeconfig = cluster.kubeconfig) =>
  cluster.kubectl('apply', '-f', '-', { input: JSON.stringify(object), kubeconfig });
const get = async (name: string) =>
  JSON.parse(await cluster.kubectl('get', 'cbo', name, '-n', 'shop', '-o', 'json')) as {
    metadata: { uid: string; creationTimestamp: string };
    status?: { phase: string; expiresAt: string; agents: { summary: string }; conditions: { reason: string }[] };
  };
const state = async (one: AgentProcess, breaker = 'payments') => (await one.stats(breaker)).state;
const becomes = (one: AgentProcess, wanted: string, breaker = 'payments') =>
  eventually(async () => expect(await state(one, breaker)).toBe(wanted), 60_000);

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.namespace('shop');
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`, '--override-retention=2s');
}, 900_000);

afterEach(async () => {
  await Promise.all(agents.splice(0).map((one) => one.end()));
  await cluster.kubectl('delete', 'cbo', '--all', '-n', 'shop', '--ignore-not-found');
});

afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

describe('an override that is applied with kubectl', () => {
  it('shows in processes, in its status and its Events, and is gone with its deletion', async () => {
    const [one, two] = [await agent(), await agent()];
    expect(await one.call('payments', 'ok')).toEqual(['passed']);
    const begun = performance.now();
    await apply(override('stop'));
    const applied = performance.now();
    await Promise.all([becomes(one, 'open'), becomes(two, 'open')]);
    const seen = performance.now();
    process.stderr.write(
      `force-open with kubectl: ${Math.round(seen - begun)} ms from the command, ${Math.round(seen - applied)} ms from its end\n`,
    );
    expect(await one.call('payments', 'ok')).toEqual(['rejected']);
    await cluster.kubectl('wait', '--for=condition=Applied', 'cbo/stop', '-n', 'shop', '--timeout=30s');
    const { metadata, status } = await get('stop');
    expect(status).toMatchObject({ phase: 'Active', agents: { summary: '2/2' } });
    expect(Date.parse(status!.expiresAt) - Date.parse(metadata.creationTimestamp)).toBe(600_000);
    const [, row] = (await cluster.kubectl('get', 'cbo', 'stop', '-n', 'shop')).split('\n');
    expect(row).toMatch(/^stop\s+\["payments"\]\s+ForceOpen\s+Active\s+2\/2\s/);
    await eventually(async () =>
      expect(await cluster.kubectl('describe', 'cbo', 'stop', '-n', 'shop')).toMatch(
        /ForceOpen of payments until \S+Z by somebody with kubectl-client-side-apply: the partner asked/,
      ),
    );
    await cluster.kubectl('delete', 'cbo', 'stop', '-n', 'shop');
    await becomes(one, 'half-open');
  });

  it('ends by itself with the operator stopped, and is cleaned up once it is back', async () => {
    const one = await agent();
    await apply(override('short', { ...SPEC, duration: '6s' }));
    await becomes(one, 'open');
    operator.pause();
    try {
      await becomes(one, 'half-open');
      expect(await one.call('payments', 'ok')).toEqual(['passed']);
    } finally {
      operator.resume();
    }
    await eventually(async () => expect((await get('short')).status?.phase).toBe('Ended'), 60_000);
    await eventually(
      async () => expect(await cluster.kubectl('get', 'cbo', '-n', 'shop')).not.toContain('short'),
      60_000,
    );
  });
});
