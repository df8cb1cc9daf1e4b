import { expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import { isReady } from './release.ts';
import { timed } from './scene.ts';
import { withShop } from './shop.ts';

const CHECKOUTS = 4;

const scene = withShop(CHECKOUTS);

const on = async (node: string) =>
  (await scene.shop.pods('checkout')).filter(({ spec }) => spec.nodeName === node).length;

it('continues with a kubelet stopped: pods call, their breakers open, and policies reach them', async () => {
  await scene.cluster.node('node-2').stopKubelet();
  await scene.shop.applyPolicy(4);
  await scene.shop.programmed(CHECKOUTS);
  await scene.shop.trips();
  await scene.cluster.node('node-2').startKubelet();
  await eventually(async () => (await scene.shop.pods('checkout')).length === CHECKOUTS, 90_000);
}, 240_000);

it('continues without a node: the replica that is left writes status, and pods are made again elsewhere and protected', async () => {
  expect(await on('node-2')).toBeGreaterThan(0);
  await scene.cluster.node('node-2').lose();
  await timed('status without the lost node', async () => {
    await eventually(async () => (await on('node-2')) === 0 && (await on('node-1')) === CHECKOUTS, 180_000);
    await scene.shop.applyPolicy(5);
    await scene.shop.programmed(CHECKOUTS, 120_000);
  });
  await scene.shop.trips();
  await eventually(async () => {
    const ready = (await scene.release.operators()).filter(isReady);
    return ready.length === 2 && ready.every(({ spec }) => spec.nodeName === 'node-1');
  }, 120_000);
}, 500_000);
