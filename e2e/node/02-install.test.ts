import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { fuseboard } from './command-line.ts';
import { isReady, Release, SYSTEM } from './release.ts';
import { startScene } from './scene.ts';
import { Shop } from './shop.ts';

const CHECKOUTS = 3;

let cluster: NodeCluster;

beforeAll(async () => {
  cluster = await startScene();
}, 1_800_000);

afterAll(() => cluster?.down(), 120_000);

describe.each([3, 4] as const)('with Helm %i and no values but the image', (major) => {
  let release: Release;
  let shop: Shop;

  it('installs two ready replicas on two nodes, and passes its own test', async () => {
    release = await Release.by(major, cluster);
    await release.install();
    const operators = await release.operators();
    expect(operators.filter(isReady)).toHaveLength(2);
    expect(new Set(operators.map(({ spec }) => spec.nodeName)).size).toBe(2);
    expect(await release.test()).toMatch(/Phase:\s+Succeeded/);
  }, 240_000);

  it('protects the pods that ask for it', async () => {
    shop = await Shop.open(cluster, CHECKOUTS);
    for (const { metadata } of await shop.pods('checkout')) {
      expect(metadata.labels['fuseboard.dev/injected']).toBe('true');
    }
    await shop.applyPolicy(3);
    await shop.programmed(CHECKOUTS);
    await shop.trips();
    for (const { calls } of await shop.checkouts()) expect(calls.rejected).toBeGreaterThan(0);
    expect(await shop.linkWarnings()).toEqual([]);
  }, 240_000);

  it('changes how running services behave with kubectl apply', async () => {
    await shop.applyPolicy(1_000);
    await shop.programmed(CHECKOUTS);
    const before = await shop.checkouts();
    await shop.partner('fail');
    await eventually(async () => {
      const now = await shop.checkouts();
      return now.every(({ calls }, i) => calls.failed > before[i]!.calls.failed + 10);
    }, 30_000);
    expect((await shop.checkouts()).map(({ state }) => state)).toEqual(Array(CHECKOUTS).fill('closed'));
    await shop.partner('recover');
  }, 120_000);

  it('shows its agents on the command line', async () => {
    const status = await fuseboard(cluster, 'status', '-A');
    expect(status).toMatch(/policies +1 programmed\nagents +3 connected\nrollouts +3\/3 applied/);
    for (const { metadata } of await shop.pods('checkout')) {
      await eventually(async () => (await fuseboard(cluster, 'get', 'agents', '-n', 'shop')).includes(metadata.name));
    }
  }, 120_000);

  it('leaves policies behind and breaks no call when it goes, and takes the same agents back when it is installed again', async () => {
    const before = await shop.checkouts();
    await release.uninstall();
    await release.install();
    await shop.applyPolicy(3);
    await shop.programmed(CHECKOUTS);
    await shop.trips();
    const after = await shop.checkouts();
    expect(after.map(({ pod }) => pod)).toEqual(before.map(({ pod }) => pod));
  }, 240_000);

  it('is removed', async () => {
    await release.uninstall();
    await cluster.kubectl('delete', 'namespace', 'shop', '--timeout=60s');
    const kinds = 'all,secret,configmap,lease,serviceaccount,role,rolebinding,networkpolicy,pdb';
    const left = await cluster.kubectl('get', kinds, '-n', SYSTEM, '-o', 'name');
    const made = left.split('\n').filter((name) => /fuseboard/.test(name));
    // docs/install.md names what is left: the authority, and what the operators could not remove any more without their
    // rights.
    const documented =
      /^(secret\/fuseboard-ca|configmap\/fuseboard-replica-.+|lease\.coordination\.k8s\.io\/fuseboard(-replica-.+)?)$/;
    expect(made.filter((name) => !documented.test(name))).toEqual([]);
    expect(made).toContain('secret/fuseboard-ca');
  }, 120_000);
});
