import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { isReady, Release, SYSTEM } from './release.ts';
import { startScene, timed } from './scene.ts';
import { SHOP, Shop, servicePod } from './shop.ts';

const CHECKOUTS = 2;

let cluster: NodeCluster;
let release: Release;
let shop: Shop;

beforeAll(async () => {
  cluster = await startScene();
  await Promise.all(cluster.nodes.map((node) => node.enforceNetworkPolicies()));
  release = await Release.by(4, cluster);
  await release.install({
    networkPolicy: {
      agentsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': SHOP } } }],
      metricsFrom: [{ podSelector: { matchLabels: { app: 'prometheus' } } }],
    },
  });
  shop = await Shop.open(cluster, CHECKOUTS);
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } });
  for (const namespace of [SHOP, 'elsewhere']) {
    const metadata = { name: 'client', namespace, labels: { app: 'client' } };
    await cluster.apply({ apiVersion: 'v1', kind: 'Pod', ...servicePod('partner'), metadata });
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '-n', namespace, '--timeout=60s');
  }
}, 1_800_000);

afterAll(() => cluster?.down(), 120_000);

/** Whether a pod can open a connection, within 3 s. */
async function connects(namespace: string, address: string, port: number): Promise<boolean> {
  const script = `
    const socket = require('net').connect(${port}, '${address}');
    socket.setTimeout(3000, () => process.exit(3)).on('connect', () => process.exit(0)).on('error', () => process.exit(4));`;
  return cluster.kubectl('exec', 'client', '-n', namespace, '--', '/nodejs/bin/node', '-e', script).then(
    () => true,
    () => false,
  );
}

it('lets in agents of the namespaces that may, and the probes of kubelets, and nobody else', async () => {
  await shop.applyPolicy(3);
  await shop.programmed(CHECKOUTS);
  const operators = await release.operators();
  expect(operators.filter(isReady)).toHaveLength(2);
  for (const { status } of operators) {
    const address = status.podIP!;
    await eventually(
      async () => (await connects(SHOP, address, 8443)) && !(await connects('elsewhere', address, 8443)),
      60_000,
    );
    expect(await connects(SHOP, address, 8080)).toBe(false);
    expect(await connects(SHOP, address, 8081)).toBe(false);
  }
  await shop.trips();
}, 240_000);

it('passes its own test with the policies that the chart makes without values, at once after installing', async () => {
  await release.uninstall();
  await release.install();
  await timed('helm test', () => release.test());
  for (const { status } of await release.operators()) {
    await eventually(() => connects('elsewhere', status.podIP!, 8443), 60_000);
    expect(await connects('elsewhere', status.podIP!, 8081)).toBe(false);
  }
  expect(await cluster.kubectl('get', 'networkpolicy', '-n', SYSTEM, '-o', 'name')).toContain('fuseboard');
}, 300_000);
