import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { isReady, Release } from './release.ts';
import { startScene, timed } from './scene.ts';
import { Shop } from './shop.ts';

const CHECKOUTS = 4;

let cluster: NodeCluster;
let release: Release;
let shop: Shop;

const on = async (node: string) => (await shop.pods('checkout')).filter(({ spec }) => spec.nodeName === node).length;

beforeAll(async () => {
  cluster = await startScene();
  release = await Release.by(4, cluster);
  await release.install();
  shop = await Shop.open(cluster, CHECKOUTS);
  await shop.applyPolicy(3);
  await shop.programmed(CHECKOUTS);
}, 1_800_000);

afterAll(() => cluster?.down(), 120_000);

it('continues with a kubelet stopped: pods call, their breakers open, and policies reach them', async () => {
  await cluster.node('node-2').stopKubelet();
  await shop.applyPolicy(4);
  await shop.programmed(CHECKOUTS);
  await shop.trips();
  await cluster.node('node-2').startKubelet();
  await eventually(async () => (await shop.pods('checkout')).length === CHECKOUTS, 90_000);
}, 240_000);

it('continues without a node: the replica that is left writes status, and pods are made again elsewhere and protected', async () => {
  expect(await on('node-2')).toBeGreaterThan(0);
  await cluster.node('node-2').lose();
  await timed('status without the lost node', async () => {
    await eventually(async () => (await on('node-2')) === 0 && (await on('node-1')) === CHECKOUTS, 180_000);
    await shop.applyPolicy(5);
    await shop.programmed(CHECKOUTS, 120_000);
  });
  await shop.trips();
  await eventually(async () => {
    const ready = (await release.operators()).filter(isReady);
    return ready.length === 2 && ready.every(({ spec }) => spec.nodeName === 'node-1');
  }, 120_000);
}, 500_000);
