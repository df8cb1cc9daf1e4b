import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { CHART, Helm, IMAGE } from './helm.ts';
import { SYSTEM, WEBHOOK } from './installed.ts';

type Authority = 'Current' | 'AddNext' | 'UseNext';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 600_000);

afterAll(() => cluster?.stop());

/** What a secret holds, decoded. */
async function secret(name: string): Promise<Record<string, string>> {
  const text = await cluster.kubectl('get', 'secret', name, '-n', SYSTEM, '-o', 'jsonpath={.data}');
  const data = JSON.parse(text) as Record<string, string>;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

const certificates = (pem: string) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

/** Who signed the certificate of the operator, and whom agents and the API server trust, as fingerprints. */
async function standing() {
  const { 'tls.crt': own, 'ca.crt': trusted } = await secret('fuseboard-tls');
  const bundle = 'jsonpath={.webhooks[0].clientConfig.caBundle}';
  const webhook = await cluster.kubectl('get', 'mutatingwebhookconfiguration', WEBHOOK, '-o', bundle);
  expect(Buffer.from(webhook, 'base64').toString()).toBe(trusted);
  const [leaf] = certificates(own!);
  const authorities = certificates(trusted!);
  const signer = authorities.find((one) => leaf!.verify(one.publicKey));
  return {
    leaf: leaf!.fingerprint256,
    signer: signer?.fingerprint256,
    trusted: authorities.map((one) => one.fingerprint256),
  };
}

describe.each([3, 4] as const)('a self-signed authority, with Helm %i', (major) => {
  let helm: Helm;
  const apply = (verb: 'install' | 'upgrade', tls: { authority?: Authority; dnsNames?: string[] } = {}) =>
    helm.run([verb, 'fuseboard', CHART, '--namespace', SYSTEM], { ...IMAGE, tls });

  beforeAll(async () => {
    helm = await Helm.find(major, cluster);
    await cluster.namespace(SYSTEM);
  }, 120_000);

  it('is replaced in three upgrades, and somebody who trusts only one of its neighbours is never left out', async () => {
    await apply('install');
    const first = await standing();
    expect(first.trusted).toEqual([first.signer]);

    await expect(apply('upgrade', { authority: 'UseNext' })).rejects.toThrow(
      'has no next authority, which nobody would trust; upgrade with tls.authority=AddNext first',
    );

    await apply('upgrade', { authority: 'AddNext' });
    const both = await standing();
    expect(both.leaf).toBe(first.leaf);
    expect(both.trusted).toEqual([first.signer, expect.any(String)]);
    const next = both.trusted[1];
    await apply('upgrade', { authority: 'AddNext' });
    expect(await standing()).toEqual(both);

    await apply('upgrade', { authority: 'UseNext' });
    const used = await standing();
    expect(used.signer).toBe(next);
    expect(used.trusted).toEqual([next, first.signer]);
    await apply('upgrade', { authority: 'UseNext' });
    expect(await standing()).toEqual(used);

    await apply('upgrade');
    expect(await standing()).toEqual({ ...used, trusted: [next] });
  }, 120_000);

  it('drops a next authority that is not wanted after all', async () => {
    const before = await standing();
    await apply('upgrade', { authority: 'AddNext' });
    await apply('upgrade');
    expect(await standing()).toEqual(before);
  }, 60_000);

  it('signs another certificate for other names, and when the one before was deleted', async () => {
    const before = await standing();
    await apply('upgrade', { dnsNames: ['fuseboard.example'] });
    const renamed = await standing();
    expect(renamed).toEqual({ ...before, leaf: expect.any(String) });
    expect(renamed.leaf).not.toBe(before.leaf);
    await cluster.kubectl('delete', 'secret', 'fuseboard-tls', '-n', SYSTEM);
    await apply('upgrade', { dnsNames: ['fuseboard.example'] });
    const again = await standing();
    expect(again).toEqual({ ...before, leaf: expect.any(String) });
    expect(again.leaf).not.toBe(renamed.leaf);
  }, 60_000);

  it('stays over uninstalling and installing again', async () => {
    const before = await standing();
    await helm.run(['uninstall', 'fuseboard', '--namespace', SYSTEM]);
    await apply('install');
    expect(await standing()).toEqual({ ...before, leaf: expect.any(String) });
    await helm.run(['uninstall', 'fuseboard', '--namespace', SYSTEM]);
    await cluster.kubectl('delete', 'secret', 'fuseboard-ca', '-n', SYSTEM);
  }, 60_000);

  it('is never given to the pods', async () => {
    const rendered = await helm.template(SYSTEM, IMAGE);
    const { spec } = rendered.find(({ kind }) => kind === 'Deployment')!;
    const [{ secret: mounted }] = spec.template.spec.volumes;
    expect(mounted.secretName).toBe('fuseboard-tls');
    expect(Object.keys(rendered.find(({ metadata }) => metadata.name === 'fuseboard-tls')!.data)).toEqual([
      'ca.crt',
      'tls.crt',
      'tls.key',
    ]);
  });
});
