import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { Release } from './release.ts';
import { startScene, timed } from './scene.ts';
import { Shop } from './shop.ts';

const CHECKOUTS = 3;
/** Longer than the Lease of the leader, and than a token review is good for. */
const OUTAGE_MS = 40_000;

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

it('keeps every breaker working while the API server is gone, and every operator running', async () => {
  const pods = await shop.pods('checkout');
  const partners = await shop.pods('partner');
  const before = await release.operators();
  const ask = async () => {
    const answers = await shop.ask(pods.map(({ status }) => `http://${status.podIP}:8080/`));
    return answers.map((body) => JSON.parse(body) as { state: string; calls: { succeeded: number; rejected: number } });
  };
  const partner = (change: string) => shop.ask(partners.map(({ status }) => `http://${status.podIP}:8080/${change}`));
  const first = await ask();

  await cluster.controlPlane.stopApiServer();
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
  await partner('fail');
  await eventually(async () => (await ask()).every(({ state }) => state !== 'closed'), 30_000);
  await partner('recover');
  await eventually(async () => (await ask()).every(({ state }) => state === 'closed'), 30_000);
  const last = await ask();
  for (const [i, { calls }] of last.entries()) {
    expect(calls.rejected).toBeGreaterThan(first[i]!.calls.rejected);
    expect(calls.succeeded).toBeGreaterThan(first[i]!.calls.succeeded);
  }

  await cluster.controlPlane.startApiServer();
  await timed('a policy after the API server is back', async () => {
    await shop.applyPolicy(4);
    await shop.programmed(CHECKOUTS, 120_000);
  });
  const after = await release.operators();
  expect(after.map(({ metadata }) => metadata.uid).sort()).toEqual(before.map(({ metadata }) => metadata.uid).sort());
  expect(after.flatMap(({ status }) => status.containerStatuses!.map(({ restartCount }) => restartCount))).toEqual([
    0, 0,
  ]);
}, 400_000);
