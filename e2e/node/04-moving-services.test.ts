import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { fuseboard } from './command-line.ts';
import { observed } from './observed.ts';
import { isReady, Release } from './release.ts';
import { startScene, timed } from './scene.ts';
import { SHOP, Shop } from './shop.ts';

const CHECKOUTS = 4;

let cluster: NodeCluster;
let release: Release;
let shop: Shop;

beforeAll(async () => {
  cluster = await startScene();
  release = await Release.by(4, cluster);
  await release.install();
  shop = await Shop.open(cluster, CHECKOUTS);
  await shop.applyPolicy(3);
  await shop.programmed(CHECKOUTS);
}, 1_800_000);

afterAll(() => cluster?.down(), 120_000);

it('protects the pods that a rolling update makes, and counts those that it removed no more', async () => {
  const before = (await shop.pods('checkout')).map(({ metadata }) => metadata.name);
  await timed('a rolling update of 4 pods', () => shop.restart('checkout'));
  await shop.programmed(CHECKOUTS);
  const after = (await shop.pods('checkout')).map(({ metadata }) => metadata.name);
  expect(after.filter((name) => before.includes(name))).toEqual([]);
  await shop.trips();
  const agents = await fuseboard(cluster, 'get', 'agents', '-n', SHOP);
  for (const name of before) expect(agents).not.toContain(name);
}, 240_000);

it('replaces an evicted pod by one that is protected', async () => {
  const [first] = await shop.pods('checkout');
  const { name } = first!.metadata;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: SHOP } };
  await cluster.create(`/api/v1/namespaces/${SHOP}/pods/${name}/eviction`, eviction);
  await eventually(async () => {
    const pods = await shop.pods('checkout');
    return pods.length === CHECKOUTS && pods.every(({ metadata }) => metadata.name !== name);
  }, 60_000);
  await shop.programmed(CHECKOUTS);
}, 120_000);

it('drains a node without the operator ever being away', async () => {
  const drain = () =>
    timed('a drain', () =>
      cluster.kubectl('drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s'),
    );
  const ready = await observed(async () => (await release.operators()).filter(isReady).length, drain);
  expect(Math.min(...ready)).toBeGreaterThanOrEqual(1);
  await eventually(async () => (await shop.pods('checkout')).length === CHECKOUTS, 90_000);
  expect(new Set((await shop.pods('checkout')).map(({ spec }) => spec.nodeName))).toEqual(new Set(['node-1']));
  await shop.programmed(CHECKOUTS);
  await shop.trips();
  await cluster.kubectl('uncordon', 'node-2');
  await release.restart();
  expect(new Set((await release.operators()).map(({ spec }) => spec.nodeName)).size).toBe(2);
}, 400_000);
