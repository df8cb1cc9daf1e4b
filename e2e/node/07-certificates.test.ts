import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { createPods } from './pod-stream.ts';
import { Release, SYSTEM } from './release.ts';
import { startScene, timed } from './scene.ts';
import { SHOP, Shop } from './shop.ts';

const CHECKOUTS = 3;
/** No change of certificates keeps an agent away for longer. */
const AWAY_AT_MOST_MS = 60_000;

let cluster: NodeCluster;
let release: Release;
let shop: Shop;
let threshold = 10;

beforeAll(async () => {
  cluster = await startScene();
  release = await Release.by(4, cluster);
  await release.install();
  shop = await Shop.open(cluster, CHECKOUTS);
  await edited();
}, 1_800_000);

afterAll(() => cluster?.down(), 120_000);

/** Every agent takes an edit of the policy, and the operator knows. */
async function edited(): Promise<void> {
  threshold += 1;
  await shop.applyPolicy(threshold);
  await shop.programmed(CHECKOUTS, AWAY_AT_MOST_MS);
}

/** The agents open new connections to new replicas, which have read the newest certificate, and take an edit. */
async function everybodyConnectsAgain(): Promise<void> {
  await release.restart();
  await timed('all agents on new connections', edited);
  expect(await shop.linkWarnings()).toEqual([]);
}

/** Runs a step while pods are created, and every one of them is injected. */
async function whilePodsAreCreated(step: () => Promise<void>): Promise<void> {
  const { created, uninjected, refused, failures } = await createPods(cluster, 5, step);
  expect({ uninjected, refused, failures }).toEqual({ uninjected: [], refused: [], failures: [] });
  expect(created).toBeGreaterThan(0);
  process.stderr.write(`${created} pods were created meanwhile, and all of them injected\n`);
}

const trusted = async () => {
  const data = await cluster.kubectl('get', 'secret', 'fuseboard-tls', '-n', SYSTEM, '-o', 'jsonpath={.data.ca\\.crt}');
  return Buffer.from(data, 'base64').toString();
};

/** What docs/certificates.md says: the pods that run get what the secret says now. */
async function tellPods(): Promise<void> {
  const bundle = await trusted();
  const label = ['-l', 'fuseboard.dev/injected=true'];
  await cluster.kubectl('annotate', 'pods', '-n', SHOP, ...label, '--overwrite', `fuseboard.dev/ca=${bundle}`);
  await timed('the bundle in every pod', () =>
    eventually(async () => {
      for (const { metadata } of await shop.pods('checkout')) {
        const read = [
          '/nodejs/bin/node',
          '-p',
          'require("fs").readFileSync("/var/run/secrets/fuseboard.dev/ca.crt","utf8")',
        ];
        const mounted = await cluster.kubectl('exec', metadata.name, '-n', SHOP, '--', ...read);
        if (mounted.trim() !== bundle.trim()) return false;
      }
      return true;
    }, 150_000),
  );
}

/** Every replica has replaced this, without a restart, since it started: it says so in its log and in a metric. */
async function replaced(what: 'certificate' | 'authorities', line: string): Promise<void> {
  await timed(`${what} replaced in every replica`, () =>
    eventually(async () => {
      for (const { metadata } of await release.operators()) {
        const log = await cluster.kubectl('logs', metadata.name, '-n', SYSTEM);
        if (!log.includes(line)) return false;
        const path = `/api/v1/namespaces/${SYSTEM}/pods/${metadata.name}:8080/proxy/metrics`;
        const metrics = await cluster.kubectl('get', '--raw', path);
        expect(metrics).toContain(`fuseboard_certificate_changes_total{what="${what}"} 1`);
      }
      return true;
    }, 150_000),
  );
}

const certificateReplaced = () => replaced('certificate', 'the certificate was replaced');
const authoritiesReplaced = () => replaced('authorities', 'the certificate authorities were replaced');

it('renews the certificate by the same authority, and nobody notices', async () => {
  await whilePodsAreCreated(async () => {
    await cluster.kubectl('delete', 'secret', 'fuseboard-tls', '-n', SYSTEM);
    await release.upgrade();
    await certificateReplaced();
    await everybodyConnectsAgain();
  });
}, 600_000);

it('replaces the authority in three upgrades: every new pod is injected, and every agent connects after each', async () => {
  await whilePodsAreCreated(async () => {
    await release.upgrade({ tls: { authority: 'AddNext' } });
    await authoritiesReplaced();
    await tellPods();
    await everybodyConnectsAgain();
    await release.upgrade({ tls: { authority: 'UseNext' } });
    await certificateReplaced();
    await everybodyConnectsAgain();
    await release.upgrade();
    await authoritiesReplaced();
    await tellPods();
    await everybodyConnectsAgain();
  });
}, 1_500_000);

it('takes the same agents back after a reinstallation, as the authority is kept', async () => {
  const before = await trusted();
  const pods = (await shop.checkouts()).map(({ pod }) => pod);
  await release.uninstall();
  await release.install();
  await timed('all agents after a reinstallation', edited);
  expect(await trusted()).toBe(before);
  expect((await shop.checkouts()).map(({ pod }) => pod)).toEqual(pods);
  await shop.trips();
  expect((await release.logs()).match(/"certificateValidUntil":"\d{4}-/g)).toHaveLength(2);
}, 400_000);
