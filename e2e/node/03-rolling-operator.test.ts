import { expect, it } from '@jest/globals';
import { observed } from './observed.ts';
import { createPods } from './pod-stream.ts';
import { isReady } from './release.ts';
import { timed } from './scene.ts';
import { withShop } from './shop.ts';

const CHECKOUTS = 3;
const PODS_PER_SECOND = 10;
/** How often the operator is replaced. */
const RESTARTS = Number(process.env.FUSEBOARD_NODE_RESTARTS ?? 4);

const scene = withShop(CHECKOUTS);

it(
  `injects every pod that is created while the operator is replaced ${RESTARTS} times, and keeps its replicas on two nodes`,
  async () => {
    const places: number[] = [];
    const { created, uninjected, refused, failures } = await createPods(scene.cluster, PODS_PER_SECOND, async () => {
      for (let i = 0; i < RESTARTS; i += 1) {
        await timed('a rolling restart', () => scene.release.restart());
        places.push(new Set((await scene.release.operators()).map(({ spec }) => spec.nodeName)).size);
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
  },
  RESTARTS * 180_000,
);

it('has at least as many ready replicas as before during an upgrade, and loses no agent', async () => {
  const upgrade = () => scene.release.upgrade({ log: { level: 'debug' } });
  const ready = await observed(async () => (await scene.release.operators()).filter(isReady).length, upgrade);
  expect(Math.min(...ready)).toBeGreaterThanOrEqual(2);
  await scene.shop.applyPolicy(4);
  await scene.shop.programmed(CHECKOUTS);
  await scene.shop.trips();
  expect(await scene.shop.linkWarnings()).toEqual([]);
}, 300_000);
