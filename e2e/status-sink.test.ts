import type { PolicyStatus } from '@fuseboard/schema';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { Policy } from '../operator/src/core/policy/policy.ts';
import { kubernetesStatusSink } from '../operator/src/kube/write/status-writer.ts';
import type { StatusSink } from '../operator/src/ports/status-sink.ts';
import { type KubernetesSource, kubernetesSource } from '../operator/src/sources/kubernetes.ts';
import { type Cluster, type PolicyRule, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';

const RULES: PolicyRule[] = [
  { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies/status'], verbs: ['update'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
];

let cluster: Cluster;
let source: KubernetesSource;
let sink: StatusSink;
let warnings: string[] = [];
const log = { info: () => {}, warn: (_fields: object, message: string) => void warnings.push(message) };

const status = (applied: number, message = 'as it should be'): PolicyStatus => ({
  observedGeneration: 1,
  conditions: [
    {
      type: 'Programmed',
      status: 'True',
      reason: 'Programmed',
      message,
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    },
  ],
  agents: { matched: 20, applied, rejected: 0, stale: 0, summary: `${applied}/20` },
  breakers: { closed: 20, open: 0, halfOpen: 0, shadowOpen: 0 },
});
const stored = async (name: string) => JSON.parse(await cluster.kubectl('get', 'cbp', name, '-o', 'json'));
const apply = async (name: string): Promise<Policy> => {
  await cluster.apply(policy('default', name, { breakers: [name], trip: { consecutiveFailures: 3 } }));
  return known(name);
};
const known = (name: string) =>
  eventually(async () => {
    const { uid } = (await stored(name)).metadata;
    const found = source.state().policies.get(`default/${name}`);
    return found?.uid === uid && found!;
  }) as Promise<Policy>;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  const { kubeconfig } = await cluster.serviceAccount('fuseboard', 'operator', RULES, { everywhere: true });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfig);
  source = kubernetesSource({ kubeConfig, log, backoffMaxMs: 2000 });
  source.start(() => {});
  sink = kubernetesStatusSink({
    kubeConfig,
    stored: source.stored,
    instance: 'operator-0',
    eventIntervalMs: 200,
    log,
  });
}, 900_000);

afterAll(async () => {
  await sink?.stop();
  await source?.stop();
  await cluster?.stop();
});

beforeEach(() => {
  warnings = [];
});

describe('the status of a policy', () => {
  it('is written, comes back through the source, and is what kubectl shows and waits for', async () => {
    const payments = await apply('payments');
    sink.write(payments, status(18));
    await cluster.kubectl('wait', '--for=condition=Programmed', '--timeout=10s', 'cbp/payments');
    expect((await stored('payments')).status).toEqual(status(18));
    expect(await cluster.kubectl('get', 'cbp', 'payments')).toMatch(
      /payments\s+\["payments"\]\s+Enforce\s+True\s+18\/20\s+0\s/,
    );
    await eventually(() => expect(source.state().policies.get('default/payments')?.status).toEqual(status(18)));
    expect((await stored('payments')).metadata.generation).toBe(1);
  });

  it('is not written again when it is the same', async () => {
    const same = await apply('same');
    sink.write(same, status(1));
    await eventually(async () => expect((await stored('same')).status).toEqual(status(1)));
    const { resourceVersion } = (await stored('same')).metadata;
    sink.write(same, status(1));
    const other = await apply('other');
    sink.write(other, status(2));
    await eventually(async () => expect((await stored('other')).status).toEqual(status(2)));
    expect((await stored('same')).metadata.resourceVersion).toBe(resourceVersion);
  });

  it('is the newest that was wanted, in few writes, and goes back too', async () => {
    const busy = await apply('busy');
    const before = Number((await stored('busy')).metadata.resourceVersion);
    for (let i = 0; i <= 500; i += 1) sink.write(busy, status(i));
    await eventually(async () => expect((await stored('busy')).status).toEqual(status(500)));
    sink.write(busy, status(0));
    await eventually(async () => expect((await stored('busy')).status).toEqual(status(0)));
    expect(Number((await stored('busy')).metadata.resourceVersion) - before).toBeLessThan(10);
  });

  it('is written over an edit that came in between', async () => {
    const edited = await apply('edited');
    await cluster.kubectl('label', 'cbp', 'edited', 'team=a');
    sink.write(edited, status(3));
    await cluster.kubectl('label', 'cbp', 'edited', 'tier=b');
    await eventually(async () => expect((await stored('edited')).status).toEqual(status(3)));
    expect((await stored('edited')).metadata.labels).toEqual({ team: 'a', tier: 'b' });
  });

  it('never goes to another policy of the same name', async () => {
    const old = await apply('twice');
    await cluster.kubectl('delete', 'cbp', 'twice');
    const young = await apply('twice');
    expect(young.uid).not.toBe(old.uid);
    sink.write(old, status(7));
    sink.write(young, status(8));
    await eventually(async () => expect((await stored('twice')).status).toEqual(status(8)));
  });

  it('of a policy that is gone is dropped without a word', async () => {
    const gone = await apply('gone');
    await cluster.kubectl('delete', 'cbp', 'gone');
    sink.write(gone, status(7));
    const after = await apply('after');
    sink.write(after, status(8));
    await eventually(async () => expect((await stored('after')).status).toEqual(status(8)));
    expect(warnings).toEqual([]);
  });

  it('that the API server refuses is said, and the next one is written', async () => {
    const refused = await apply('refused');
    sink.write(refused, { ...status(1), observedGeneration: -1 });
    await eventually(() =>
      expect(warnings.join()).toMatch(/status of policy default\/refused now \(422\).*observedGeneration/),
    );
    sink.write(refused, status(2));
    await eventually(async () => expect((await stored('refused')).status).toEqual(status(2)));
  });

  it('is written once the API server is back', async () => {
    const patient = await apply('patient');
    await cluster.stopApiServer();
    sink.write(patient, status(1));
    sink.write(patient, status(2));
    await eventually(() => expect(warnings.join()).toContain('trying again'));
    await cluster.startApiServer();
    await eventually(async () => expect((await stored('patient')).status).toEqual(status(2)));
  });
});

describe('Events of a policy', () => {
  const events = async (name: string) =>
    JSON.parse(await cluster.kubectl('get', 'events', '-o', 'json', `--field-selector=involvedObject.name=${name}`))
      .items;

  it('are shown by kubectl describe', async () => {
    const described = await apply('described');
    sink.event(described, {
      type: 'Warning',
      reason: 'BreakerOpened',
      message: 'breaker "payments" opened on checkout-1',
    });
    await eventually(async () =>
      expect(await cluster.kubectl('describe', 'cbp', 'described')).toMatch(
        /Warning\s+BreakerOpened\s+\S+.*fuseboard\.dev\/operator\s+breaker "payments" opened on checkout-1/,
      ),
    );
    expect((await events('described'))[0]).toMatchObject({
      reportingComponent: 'fuseboard.dev/operator',
      reportingInstance: 'operator-0',
      involvedObject: { uid: described.uid },
      count: 1,
    });
  });

  it('of one reason are one Event that counts and has the newest message', async () => {
    const flapping = await apply('flapping');
    for (let i = 1; i <= 40; i += 1) {
      sink.event(flapping, { type: 'Warning', reason: 'BreakerOpened', message: `opened on agent ${i}` });
      sink.event(flapping, { type: 'Normal', reason: 'BreakerClosed', message: `closed on agent ${i}` });
    }
    await eventually(async () =>
      expect(
        (await events('flapping'))
          .map((each: Record<string, unknown>) => [each.reason, each.count, each.message])
          .sort(),
      ).toEqual([
        ['BreakerClosed', 40, 'closed on agent 40'],
        ['BreakerOpened', 40, 'opened on agent 40'],
      ]),
    );
  });
});
