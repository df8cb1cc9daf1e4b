import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { Helm } from './helm.ts';

/** Time for a status that must not come; longer than the operator takes to write one. */
const IN_VAIN = '5s';

let cluster: Cluster;
let helm: Helm;
let operator: OperatorProcess | undefined;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.namespace('shop');
  helm = await Helm.find(4, cluster);
}, 600_000);

afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

/** Installs a chart that holds these objects, and waits by kstatus until all of them are Current. */
async function installAndWait(name: string, timeout: string, ...objects: object[]): Promise<string> {
  const folder = join(cluster.folder, `chart-${name}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'templates'), { recursive: true });
  await writeFile(join(folder, 'Chart.yaml'), stringify({ apiVersion: 'v2', name, version: '0.1.0' }));
  await writeFile(join(folder, 'templates', 'all.yaml'), objects.map((one) => stringify(one)).join('---\n'));
  return helm.run(['upgrade', '--install', name, folder, '--namespace', 'shop', '--wait', '--timeout', timeout]);
}

const payments = (name: string) => policy('shop', name, { breakers: ['payments'] });

const override = (name: string, breaker: string) => ({
  apiVersion: 'fuseboard.dev/v1alpha1',
  kind: 'CircuitBreakerOverride',
  metadata: { name, namespace: 'shop' },
  spec: {
    breakers: [breaker],
    action: 'ForceOpen',
    reason: 'a test',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  },
});

describe('helm install --wait of Helm 4', () => {
  it('waits for an operator that reads policies and overrides', async () => {
    const message = /no operator has read it yet|InProgress/;
    await expect(installAndWait('unread', IN_VAIN, policy('shop', 'unread', { breakers: ['unread'] }))).rejects.toThrow(
      message,
    );
    await expect(installAndWait('unread-override', IN_VAIN, override('unread', 'other'))).rejects.toThrow(message);
    const waited = await cluster.kubectl('get', 'cbp', 'unread', '-n', 'shop', '-o', 'jsonpath={.status}');
    expect(JSON.parse(waited).conditions).toEqual([
      expect.objectContaining({ type: 'Ready', status: 'Unknown', reason: 'Pending' }),
    ]);

    operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
    await cluster.kubectl('wait', '--for=condition=Ready', 'cbp/unread', 'cbo/unread', '-n', 'shop', '--timeout=30s');
  }, 180_000);

  it('succeeds with policies and overrides that are in force', async () => {
    await installAndWait('first', '60s', payments('first'), override('first', 'payments'));
  }, 90_000);

  it('fails with a policy that has nothing to govern because of another, and succeeds once that is fixed', async () => {
    await expect(installAndWait('second', '60s', payments('second'))).rejects.toThrow(/second.*Failed/s);
    await installAndWait('second', '60s', policy('shop', 'second', { breakers: ['orders'] }));
  }, 180_000);
});
