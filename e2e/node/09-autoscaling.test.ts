import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { observed } from './observed.ts';
import { isReady, Release, SYSTEM } from './release.ts';
import { startScene } from './scene.ts';

let cluster: NodeCluster;

beforeAll(async () => {
  cluster = await startScene();
}, 1_800_000);

afterAll(() => cluster?.down(), 120_000);

const wanted = async () =>
  Number(await cluster.kubectl('get', 'deployment', 'fuseboard', '-n', SYSTEM, '-o', 'jsonpath={.spec.replicas}'));

describe.each([3, 4] as const)('with Helm %i', (major) => {
  it('turns autoscaling on, raises its lower end and turns it off without a replica less on the way', async () => {
    const release = await Release.by(major, cluster);
    await release.install();
    const state = async () => ({
      wanted: await wanted(),
      ready: (await release.operators()).filter(isReady).length,
    });
    const least = (seen: readonly { wanted: number; ready: number }[]) => ({
      wanted: Math.min(...seen.map((one) => one.wanted)),
      ready: Math.min(...seen.map((one) => one.ready)),
    });

    const on = { autoscaling: { enabled: true, minReplicas: 2 } };
    const turnedOn = await observed(state, async () => {
      await release.upgrade(on);
      // The autoscaler looks every 15 s.
      await new Promise((resolve) => setTimeout(resolve, 20_000));
    });
    expect(least(turnedOn)).toEqual({ wanted: 2, ready: 2 });

    const more = { autoscaling: { enabled: true, minReplicas: 3 } };
    const raised = await observed(state, async () => {
      await release.upgrade(more);
      await eventually(async () => (await wanted()) === 3, 60_000);
      await release.upgrade({ ...more, log: { level: 'debug' } });
    });
    expect(least(raised)).toEqual({ wanted: 2, ready: 2 });
    expect(await wanted()).toBe(3);

    const turnedOff = await observed(state, () => release.upgrade({ replicaCount: 3 }));
    expect(least(turnedOff)).toEqual({ wanted: 3, ready: 3 });
    await release.uninstall();
  }, 500_000);
});
