import { expect, it } from '@jest/globals';
import { fuseboard } from './command-line.ts';
import { isReady } from './release.ts';
import { timed } from './scene.ts';
import { withShop } from './shop.ts';

const CHECKOUTS = 3;

const scene = withShop(CHECKOUTS, { family: 'IPv6' });

it('runs on a cluster that has addresses of IPv6 alone', async () => {
  const operators = (await scene.release.operators()).filter(isReady);
  const checkouts = await scene.shop.pods('checkout');
  for (const { status } of [...operators, ...checkouts]) expect(status.podIP).toMatch(/^fd00:244:/);
  expect(operators).toHaveLength(2);
  expect(checkouts).toHaveLength(CHECKOUTS);
  for (const { metadata } of checkouts) expect(metadata.labels['fuseboard.dev/injected']).toBe('true');
  await scene.shop.trips();
  expect(await scene.release.test()).toMatch(/Phase:\s+Succeeded/);
}, 240_000);

it('rolls operators, and takes reports of agents at the addresses of its replicas', async () => {
  await timed('a rolling restart', () => scene.release.restart());
  await scene.shop.applyPolicy(4);
  await timed('all agents on new connections', () => scene.shop.programmed(CHECKOUTS));
  expect(await scene.shop.linkWarnings()).toEqual([]);
  expect(await fuseboard(scene.cluster, 'status', '-A')).toMatch(/agents +3 connected\nrollouts +3\/3 applied/);
  await scene.shop.trips();
}, 300_000);
