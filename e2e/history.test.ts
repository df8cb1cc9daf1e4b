import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

jest.setTimeout(180_000);

let cluster: Cluster;
let operator: OperatorProcess;
let agent: AgentProcess;

interface Item {
  revision: number;
  current: boolean;
  spec: { trip?: object };
  changes: { field: string; from?: unknown; to?: unknown }[];
}
const apply = (threshold: number) =>
  cluster.apply(
    policy('shop', 'payments', {
      breakers: ['payments'],
      trip: { consecutiveFailures: threshold },
      recovery: { openDuration: '1h' },
    }),
  );
const programmed = () =>
  cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/payments', '-n', 'shop', '--timeout=30s');
const history = async () => (await operator.admin<{ items: Item[] }>('/v1/policies/shop/payments/history')).items;
const numbers = async () => (await history()).map(({ revision }) => revision);
const recorded = (...revisions: number[]) => eventually(async () => expect(await numbers()).toEqual(revisions), 60_000);
const send = (action: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${operator.adminPort}/v1/policies/shop/payments/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const rollback = (toRevision: unknown, headers?: Record<string, string>) => send('rollback', { toRevision }, headers);
const generation = async () => (await agent.stats('payments')).policy?.generation;
const environment = () => ({
  FUSEBOARD_URL: operator.url,
  FUSEBOARD_NAMESPACE: 'shop',
  FUSEBOARD_SERVICE: 'checkout',
});

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.namespace('shop');
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
  agent = await AgentProcess.start(environment());
}, 900_000);

afterAll(async () => {
  await agent?.end();
  await operator?.end();
  await cluster?.stop();
});

it('keeps each version of a policy as a ControllerRevision that it owns', async () => {
  await apply(2);
  await recorded(1);
  await apply(9);
  await recorded(2, 1);
  expect(await history()).toMatchObject([
    { revision: 2, current: true, changes: [{ field: 'trip.consecutiveFailures', from: 2, to: 9 }] },
    { revision: 1, current: false, spec: { trip: { consecutiveFailures: 2 } }, changes: [] },
  ]);
  const { items } = JSON.parse(await cluster.kubectl('get', 'controllerrevisions', '-n', 'shop', '-o', 'json'));
  const policy = JSON.parse(await cluster.kubectl('get', 'cbp', 'payments', '-n', 'shop', '-o', 'json'));
  for (const { metadata, data } of items) {
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'CircuitBreakerPolicy', uid: policy.metadata.uid }]);
    expect(data.spec.breakers).toEqual(['payments']);
  }
});

it('survives a restart of the operator, and misses no edit that was made without it but those in between', async () => {
  await operator.end();
  await apply(11);
  operator.launch();
  await operator.ready();
  await recorded(3, 2, 1);
});

it('rolls running processes back, with kubectl', async () => {
  await programmed();
  expect(await agent.call('payments', 'ok', 'fail', 'fail')).toEqual(['passed', 'failed', 'failed']);
  expect((await agent.stats('payments')).state).toBe('closed');
  const first = (await history()).find(({ revision }) => revision === 1)!;
  const patch = JSON.stringify([{ op: 'replace', path: '/spec', value: first.spec }]);
  await cluster.kubectl('patch', 'cbp', 'payments', '-n', 'shop', '--type=json', '-p', patch);
  await eventually(async () => expect(await generation()).toBe(4), 30_000);
  expect(await agent.call('payments', 'ok', 'fail', 'fail', 'ok')).toEqual(['passed', 'failed', 'failed', 'rejected']);
  await recorded(4, 3, 2, 1);
  expect((await history())[0]).toMatchObject({ current: true, spec: first.spec });
});

it('rolls back through the admin API with the rights of the person who asks', async () => {
  const rules = (verbs: string[]) => [{ apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies'], verbs }];
  const viewer = await cluster.serviceAccount('shop', 'viewer', rules(['get', 'list', 'watch']));
  const editor = await cluster.serviceAccount('shop', 'editor', rules(['get', 'patch', 'update']));
  const as = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });
  const refused = await rollback(3, as(viewer));
  expect(refused.status).toBe(403);
  expect(await refused.json()).toEqual({
    error: expect.stringMatching(/cannot roll policy "payments".*serviceaccount:shop:viewer" cannot patch resource/),
  });
  await eventually(async () => expect((await rollback(3, as(editor))).status).toBe(204), 30_000);
  await eventually(async () => expect(await generation()).toBe(5), 30_000);
  expect((await agent.stats('payments')).policy?.spec).toMatchObject({ trip: { consecutiveFailures: 11 } });
  expect((await rollback(99)).status).toBe(404);
  expect(await (await rollback('first')).json()).toEqual({ error: 'toRevision: must be a number, not "first"' });
});

it('takes thresholds found on the page with the rights of the person, and processes apply them', async () => {
  const rules = [{ apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies'], verbs: ['get'] }];
  const { token } = await cluster.serviceAccount('shop', 'reader', rules);
  const found = { generation: 5, trip: { consecutiveFailures: 3 } };
  const refused = await send('thresholds', found, { authorization: `Bearer ${token}` });
  expect(refused.status).toBe(403);
  expect((await send('thresholds', { ...found, generation: 4 })).status).toBe(409);
  const invalid = await send('thresholds', { ...found, trip: { consecutiveFailures: -1 } });
  expect([invalid.status, await invalid.json()]).toEqual([
    422,
    { error: expect.stringContaining('consecutiveFailures') },
  ]);
  expect((await send('thresholds', found)).status).toBe(204);
  await eventually(async () => expect(await generation()).toBe(6), 30_000);
  const { spec } = JSON.parse(await cluster.kubectl('get', 'cbp', 'payments', '-n', 'shop', '-o', 'json'));
  expect(spec).toMatchObject({
    breakers: ['payments'],
    trip: { consecutiveFailures: 3 },
    recovery: { openDuration: '1h' },
  });
  expect((await history())[0]).toMatchObject({ current: true, spec: { trip: { consecutiveFailures: 3 } } });
  const fresh = await AgentProcess.start(environment());
  try {
    await eventually(async () => expect((await fresh.stats('payments')).policy?.generation).toBe(6), 30_000);
    const outcomes = await fresh.call('payments', 'ok', 'fail', 'fail', 'fail', 'ok');
    expect(outcomes).toEqual(['passed', 'failed', 'failed', 'failed', 'rejected']);
  } finally {
    await fresh.end();
  }
});

it('keeps the ten newest', async () => {
  for (let threshold = 20; threshold < 28; threshold += 1) {
    const latest = (await numbers())[0]!;
    await apply(threshold);
    await eventually(async () => expect((await numbers())[0]).toBe(latest + 1), 30_000);
  }
  await eventually(async () => expect(await numbers()).toHaveLength(10), 30_000);
  expect((await history()).filter(({ current }) => current)).toHaveLength(1);
}, 120_000);
