import { expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import { timed } from './scene.ts';
import { withShop } from './shop.ts';

const CHECKOUTS = 3;
/** Longer than the Lease of the leader, and than a token review is good for. */
const OUTAGE_MS = 40_000;

const scene = withShop(CHECKOUTS);

it('keeps every breaker working while the API server is gone, and every operator running', async () => {
  const pods = await scene.shop.pods('checkout');
  const partners = await scene.shop.pods('partner');
  const before = await scene.release.operators();
  const ask = async () => {
    const answers = await scene.shop.ask(pods.map(({ status }) => `http://${status.podIP}:8080/`));
    return answers.map((body) => JSON.parse(body) as { state: string; calls: { succeeded: number; rejected: number } });
  };
  const partner = (change: string) =>
    scene.shop.ask(partners.map(({ status }) => `http://${status.podIP}:8080/${change}`));
  const first = await ask();

  await scene.cluster.controlPlane.stopApiServer();
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

  await scene.cluster.controlPlane.startApiServer();
  await timed('a policy after the API server is back', async () => {
    await scene.shop.applyPolicy(4);
    await scene.shop.programmed(CHECKOUTS, 120_000);
  });
  const after = await scene.release.operators();
  expect(after.map(({ metadata }) => metadata.uid).sort()).toEqual(before.map(({ metadata }) => metadata.uid).sort());
  expect(after.flatMap(({ status }) => status.containerStatuses!.map(({ restartCount }) => restartCount))).toEqual([
    0, 0,
  ]);
}, 400_000);
