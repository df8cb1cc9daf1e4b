import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

jest.setTimeout(180_000);

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
  await Promise.all(agents.splice(0).map((one) => one.end(true)));
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

describe('an override that is made through the admin API', () => {
  const admin = (method: string, path: string, body?: object) =>
    fetch(`http://127.0.0.1:${operator.adminPort}/v1/overrides${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });

  it('shows in processes within a second or so, and says who asked', async () => {
    const one = await agent();
    expect(await one.call('payments', 'ok')).toEqual(['passed']);
    const begun = performance.now();
    const response = await admin('POST', '/shop', SPEC);
    expect(response.status).toBe(201);
    const made = (await response.json()) as { name: string; createdBy: string };
    await becomes(one, 'open');
    process.stderr.write(`force-open through the admin API: ${Math.round(performance.now() - begun)} ms\n`);
    expect(made.createdBy).toBe('local');
    expect(response.headers.get('location')).toBe(`/v1/overrides/shop/${made.name}`);
    await eventually(async () => {
      const { items } = (await (await admin('GET', '?namespace=shop')).json()) as { items: object[] };
      expect(items).toMatchObject([{ name: made.name, status: { phase: 'Active', agents: { summary: '1/1' } } }]);
    });
    await eventually(async () =>
      expect(await cluster.kubectl('get', 'events', '-n', 'shop')).toMatch(
        /ForceOpen of payments until \S+Z by local: the partner asked/,
      ),
    );
    expect((await admin('DELETE', `/shop/${made.name}`)).status).toBe(204);
    await becomes(one, 'half-open');
  });

  it('is refused in the words of the API server', async () => {
    const { duration, ...rest } = SPEC;
    const response = await admin('POST', '/shop', { ...rest, expiresAt: '2001-01-01T00:00:00Z' });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ error: expect.stringContaining('spec.expiresAt: lies in the past') });
    expect(await (await admin('POST', '/shop', rest)).json()).toEqual({
      error: 'expiresAt: an override needs an end; give expiresAt or duration',
    });
    expect((await admin('POST', '/nowhere', SPEC)).status).toBe(404);
  });
});

describe('an override for some', () => {
  it('holds those whom its selector selects, by name and prefix, and outlives their restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-overrides-'));
    const web = await agent('app=web', { FUSEBOARD_CACHE_DIR: folder });
    const batch = await agent('app=batch');
    const selector = { matchLabels: { app: 'web' } };
    await apply(override('some', { ...SPEC, breakers: ['partner-*'], selector, duration: '1h' }));
    await becomes(web, 'open', 'partner-a');
    await cluster.kubectl('wait', '--for=condition=Applied', 'cbo/some', '-n', 'shop', '--timeout=30s');
    expect((await get('some')).status?.agents.summary).toBe('1/1');
    expect([await state(web), await state(batch, 'partner-a')]).toEqual(['closed', 'closed']);
    await eventually(async () => (await readdir(folder)).some((name) => name.endsWith('.json')));
    await eventually(async () => {
      const [file] = await readdir(folder);
      expect(await readFile(join(folder, file!), 'utf8')).toContain('partner-*');
    });
    await web.end();
    operator.pause();
    try {
      const again = await AgentProcess.start({
        FUSEBOARD_URL: operator.url,
        FUSEBOARD_NAMESPACE: 'shop',
        FUSEBOARD_SERVICE: 'checkout',
        FUSEBOARD_LABELS: 'app=web',
        FUSEBOARD_CACHE_DIR: folder,
      });
      agents.push(again);
      expect(again.beganWith).toBe('LastGood');
      expect(await state(again, 'partner-a')).toBe('open');
    } finally {
      operator.resume();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('closes once and for a moment when it is a reset', async () => {
    const trip = { breakers: ['orders'], trip: { consecutiveFailures: 2 }, recovery: { openDuration: '1h' } };
    await apply(policy('shop', 'orders', trip));
    const one = await agent();
    await eventually(async () => (await one.stats('orders')).policy !== undefined);
    await one.call('orders', 'fail', 'fail');
    expect(await state(one, 'orders')).toBe('open');
    await apply(override('again', { ...SPEC, breakers: ['orders'], action: 'Reset' }));
    await becomes(one, 'closed', 'orders');
    await one.call('orders', 'fail', 'fail');
    expect(await state(one, 'orders')).toBe('open');
    await cluster.kubectl('wait', '--for=condition=Applied', 'cbo/again', '-n', 'shop', '--timeout=30s');
  });
});

describe('who may make an override', () => {
  const GROUP = ['fuseboard.dev'];
  const view = {
    apiGroups: GROUP,
    resources: ['circuitbreakerpolicies', 'circuitbreakeroverrides'],
    verbs: ['get', 'list', 'watch'],
  };
  const act = { apiGroups: GROUP, resources: ['circuitbreakeroverrides'], verbs: ['create', 'delete'] };

  it('is not one who may only view', async () => {
    const { kubeconfig } = await cluster.serviceAccount('shop', 'viewer', [view]);
    await eventually(() => cluster.kubectl('get', 'cbo', '-n', 'shop', { kubeconfig }));
    await expect(apply(override('refused'), kubeconfig)).rejects.toThrow(
      /"system:serviceaccount:shop:viewer" cannot create resource "circuitbreakeroverrides"/,
    );
  });

  it('is a responder, who may not edit policies', async () => {
    const { kubeconfig } = await cluster.serviceAccount('shop', 'responder', [view, act]);
    const one = await agent();
    await eventually(() => apply(override('mine'), kubeconfig));
    await becomes(one, 'open');
    await expect(apply(policy('shop', 'mine', { breakers: ['x'] }), kubeconfig)).rejects.toThrow(
      /cannot create resource "circuitbreakerpolicies"/,
    );
    await cluster.kubectl('delete', 'cbo', 'mine', '-n', 'shop', { kubeconfig });
    await becomes(one, 'half-open');
  });
});

it('works without a cluster, over a restart of the operator, beside one from a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fuseboard-standalone-'));
  const policies = join(folder, 'policies');
  await mkdir(policies);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const { duration, ...rest } = SPEC;
  const file = override('from-a-file', { ...rest, breakers: ['orders'], expiresAt });
  await writeFile(join(policies, 'orders.json'), JSON.stringify(file));
  const alone = await OperatorProcess.start(`--policies=${policies}`, `--state-dir=${join(folder, 'state')}`);
  const one = await AgentProcess.start({ FUSEBOARD_URL: alone.url, FUSEBOARD_NAMESPACE: 'shop' });
  try {
    await becomes(one, 'open', 'orders');
    const response = await fetch(`http://127.0.0.1:${alone.adminPort}/v1/overrides/shop`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...SPEC, duration: '1h' }),
    });
    expect(response.status).toBe(201);
    await becomes(one, 'open');
    await alone.end();
    alone.launch();
    await alone.ready();
    const all = async () => (await alone.admin<{ items: { status: { agents?: object } }[] }>('/v1/overrides')).items;
    await eventually(
      async () => expect(await all()).toMatchObject(Array(2).fill({ status: { agents: { summary: '1/1' } } })),
      60_000,
    );
    expect([await state(one), await state(one, 'orders')]).toEqual(['open', 'open']);
    await rm(join(policies, 'orders.json'));
    await becomes(one, 'half-open', 'orders');
    expect(await state(one)).toBe('open');
  } finally {
    await one.end();
    await alone.end();
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);

it('is nothing that policies wait for: without its definition there are none, and one line says so', async () => {
  await cluster.kubectl('delete', 'crd', 'circuitbreakeroverrides.fuseboard.dev');
  const other = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
  try {
    const lines = () => other.log.split('\n').filter((line) => line.includes('circuitbreakeroverrides'));
    await eventually(() => lines().length > 0);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatch(/does not serve circuitbreakeroverrides.*\(404\); install the definitions/);
    expect((await fetch(`http://127.0.0.1:${other.metricsPort}/readyz`)).status).toBe(200);
    await cluster.applyCrds();
    await eventually(() => apply(override('late')));
    const served = async () => {
      const { items } = await other.admin<{ items: { name: string }[] }>('/v1/overrides');
      return items.some(({ name }) => name === 'late');
    };
    await eventually(served, 120_000);
  } finally {
    await other.end();
  }
}, 180_000);
