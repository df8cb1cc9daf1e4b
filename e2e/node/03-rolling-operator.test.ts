import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { NodeCluster } from './cluster.ts';
import { observed } from './observed.ts';
import { createPods } from './pod-stream.ts';
import { isReady, Release } from './release.ts';
import { startScene, timed } from './scene.ts';
import { Shop } from './shop.ts';

const CHECKOUTS = 3;
const PODS_PER_SECOND = 10;
/** How often the operator is replaced. */
const RESTARTS = Number(process.env.FUSEBOARD_NODE_RESTARTS ?? 4);

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

it(`injects every pod that is created while the operator is replaced ${RESTARTS} times, and keeps its replicas on two nodes`, async () => {
  const places: number[] = [];
  const { created, uninjected, refused, failures } = await createPods(cluster, PODS_PER_SECOND, async () => {
    for (let i = 0; i < RESTARTS; i += 1) {
      await timed('a rolling restart', () => release.restart());
      places.push(new Set((await release.operators()).map(({ spec }) => spec.nodeName)).size);
    }
  });
  process.stderr.write(`${created} pods, ${uninjected.length} of them not injected\n`);
  expect({ uninjected, refused, failures, places }).toEqual({
    uninjected: [],
    refused: [],
    failures: [],
    places: Array(RESTARTS).fill(2),
  });
  expect(created).toBeGreaterThan(RESTARTS * PODS_PER_SECOND);
}, 1_200_000);

it('has at least as many ready replicas as before during an upgrade, and loses no agent', async () => {
  const upgrade = () => release.upgrade({ log: { level: 'debug' } });
  const ready = await observed(async () => (await release.operators()).filter(isReady).length, upgrade);
  expect(Math.min(...ready)).toBeGreaterThanOrEqual(2);
  await shop.applyPolicy(4);
  await shop.programmed(CHECKOUTS);
  await shop.trips();
  expect(await shop.linkWarnings()).toEqual([]);
}, 300_000);
