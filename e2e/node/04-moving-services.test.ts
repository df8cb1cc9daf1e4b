import { expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import { fuseboard } from './command-line.ts';
import { observed } from './observed.ts';
import { isReady } from './release.ts';
import { timed } from './scene.ts';
import { SHOP, withShop } from './shop.ts';

const CHECKOUTS = 4;

const scene = withShop(CHECKOUTS);

it('protects the pods that a rolling update makes, and counts those that it removed no more', async () => {
  const before = (await scene.shop.pods('checkout')).map(({ metadata }) => metadata.name);
  await timed('a rolling update of 4 pods', () => scene.shop.restart('checkout'));
  await scene.shop.programmed(CHECKOUTS);
  const after = (await scene.shop.pods('checkout')).map(({ metadata }) => metadata.name);
  expect(after.filter((name) => before.includes(name))).toEqual([]);
  await scene.shop.trips();
  const agents = await fuseboard(scene.cluster, 'get', 'agents', '-n', SHOP);
  for (const name of before) expect(agents).not.toContain(name);
}, 240_000);

it('replaces an evicted pod by one that is protected', async () => {
  const [first] = await scene.shop.pods('checkout');
  const { name } = first!.metadata;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: SHOP } };
  await scene.cluster.create(`/api/v1/namespaces/${SHOP}/pods/${name}/eviction`, eviction);
  await eventually(async () => {
    const pods = await scene.shop.pods('checkout');
    return pods.length === CHECKOUTS && pods.every(({ metadata }) => metadata.name !== name);
  }, 60_000);
  await scene.shop.programmed(CHECKOUTS);
}, 120_000);

it('drains a node without the operator ever being away', async () => {
  const drain = () =>
    timed('a drain', () =>
      scene.cluster.kubectl('drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s'),
    );
  const ready = await observed(async () => (await scene.release.operators()).filter(isReady).length, drain);
  expect(Math.min(...ready)).toBeGreaterThanOrEqual(1);
  await eventually(async () => (await scene.shop.pods('checkout')).length === CHECKOUTS, 90_000);
  expect(new Set((await scene.shop.pods('checkout')).map(({ spec }) => spec.nodeName))).toEqual(new Set(['node-1']));
  await scene.shop.programmed(CHECKOUTS);
  await scene.shop.trips();
  await scene.cluster.kubectl('uncordon', 'node-2');
  await scene.release.restart();
  expect(new Set((await scene.release.operators()).map(({ spec }) => spec.nodeName)).size).toBe(2);
}, 400_000);
