import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { type KubernetesSource, kubernetesSource } from '../operator/src/sources/kubernetes.ts';
import { type Cluster, type PolicyRule, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { Relay } from './cluster/relay.ts';
import { eventually } from './cluster/run.ts';

const READ: PolicyRule[] = [
  {
    apiGroups: ['fuseboard.dev'],
    resources: ['circuitbreakerpolicies', 'circuitbreakeroverrides'],
    verbs: ['list', 'watch'],
  },
];

let cluster: Cluster;
let source: KubernetesSource;
let warnings: string[];
/** Every set of policies that the source ever showed, as `namespace/name#generation`. */
let shown: string[];

const config = (path: string) => {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(path);
  return kubeConfig;
};
const begin = (kubeConfig: KubeConfig, namespaces?: string[]) => {
  warnings = [];
  shown = [];
  const log = { info: () => {}, warn: (_fields: object, message: string) => void warnings.push(message) };
  source = kubernetesSource({ kubeConfig, log, namespaces, backoffMaxMs: 2000 });
  source.start(() => shown.push(policies()));
};
const policies = () =>
  [...source.state().policies]
    .map(([key, { generation }]) => `${key}#${generation}`)
    .sort()
    .join(' ');
const show = (wanted: string) => eventually(() => expect(policies()).toBe(wanted));
const well = () => eventually(() => source.state().synced && source.state().unreadable === undefined);
const opensAfter = (name: string, consecutiveFailures: number, namespace = 'shop') =>
  policy(namespace, name, { breakers: [name], trip: { consecutiveFailures } });

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.namespace('shop');
  await cluster.namespace('bank');
}, 900_000);

afterAll(async () => {
  // A source that began after its test had run out of time.
  await source?.stop();
  await cluster?.stop();
});

describe('policies in a cluster', () => {
  beforeEach(async () => {
    begin(config((await cluster.serviceAccount('fuseboard', 'reader', READ, { everywhere: true })).kubeconfig));
    await well();
  });

  afterEach(async () => {
    await source.stop();
    await cluster.kubectl('delete', 'cbp', '--all', '--all-namespaces', '--ignore-not-found');
  });

  it('are applied, edited, deleted and created again', async () => {
    await cluster.apply(opensAfter('payments', 3));
    await show('shop/payments#1');
    const first = source.state().policies.get('shop/payments')!;
    expect(first.spec).toEqual({
      breakers: ['payments'],
      trip: { consecutiveFailures: 3 },
      mode: 'Enforce',
      onUpdate: 'Preserve',
    });
    expect(first.problems).toEqual([]);
    await cluster.apply(opensAfter('payments', 5));
    await show('shop/payments#2');
    await cluster.kubectl('delete', 'cbp', 'payments', '-n', 'shop');
    await show('');
    await cluster.apply(opensAfter('payments', 7));
    await show('shop/payments#1');
    expect(source.state().policies.get('shop/payments')!.uid).not.toBe(first.uid);
    expect(warnings).toEqual([]);
  });

  it('of two namespaces may share a name', async () => {
    await cluster.apply(opensAfter('payments', 3), opensAfter('payments', 9, 'bank'));
    await show('bank/payments#1 shop/payments#1');
    await cluster.kubectl('delete', 'cbp', 'payments', '-n', 'bank');
    await show('shop/payments#1');
  });

  it('are really gone when all of them are deleted at once', async () => {
    await cluster.apply(...Array.from({ length: 30 }, (_, i) => opensAfter(`p${i}`, 3)));
    await eventually(() => source.state().policies.size === 30);
    await cluster.kubectl('delete', 'cbp', '--all', '-n', 'shop');
    await show('');
    expect(warnings).toEqual([]);
  });

  it('carry a resource version that a consistent read can be asked to reach', async () => {
    await cluster.apply(opensAfter('payments', 3));
    await source.refresh();
    expect(policies()).toBe('shop/payments#1');
    const list = JSON.parse(await cluster.kubectl('get', 'cbp', '-A', '-o', 'json'));
    expect(BigInt(source.state().resourceVersion!)).toBeGreaterThanOrEqual(
      BigInt(list.items[0].metadata.resourceVersion),
    );
  });

  it('are kept while their definition is deleted, and follow it when it is back', async () => {
    await cluster.apply(...Array.from({ length: 20 }, (_, i) => opensAfter(`p${i}`, 3)));
    await eventually(() => source.state().policies.size === 20);
    shown = [];
    await cluster.kubectl('delete', 'crd', 'circuitbreakerpolicies.fuseboard.dev');
    await eventually(() =>
      expect(source.state().unreadable).toMatch(/\(404\); install the definitions: kubectl apply -f crds\//),
    );
    expect(source.state().policies.size).toBe(20);
    expect(shown.filter((each) => each.split(' ').length < 20)).toEqual([]);
    await cluster.applyCrds();
    await cluster.apply(opensAfter('p0', 4));
    await show('shop/p0#1');
    await well();
  });

  it('are kept while the API server is killed, and agree when it is back', async () => {
    await cluster.apply(opensAfter('payments', 3), opensAfter('search', 3));
    await show('shop/payments#1 shop/search#1');
    shown = [];
    await cluster.stopApiServer('SIGKILL');
    await eventually(() => expect(source.state().unreadable).toMatch(/ECONNREFUSED.*trying again/));
    expect(policies()).toBe('shop/payments#1 shop/search#1');
    await cluster.startApiServer();
    await cluster.apply(opensAfter('payments', 4));
    await show('shop/payments#2 shop/search#1');
    await well();
    expect(new Set(shown)).toEqual(new Set(['shop/payments#1 shop/search#1', 'shop/payments#2 shop/search#1']));
  });

  it('are followed over a watch that is cut again and again', async () => {
    await source.stop();
    const relay = await new Relay(Number(new URL(cluster.url).port)).start();
    const kubeConfig = config(cluster.kubeconfig);
    kubeConfig.clusters = [{ ...kubeConfig.clusters[0]!, server: `https://127.0.0.1:${relay.port}` }];
    begin(kubeConfig);
    try {
      await well();
      for (let round = 1; round <= 5; round += 1) {
        await eventually(() => relay.connections > 0);
        relay.cut();
        await cluster.apply(opensAfter('payments', round), opensAfter(`p${round}`, round));
        if (round > 1) await cluster.kubectl('delete', 'cbp', `p${round - 1}`, '-n', 'shop');
      }
      await show('shop/p5#1 shop/payments#5');
    } finally {
      await source.stop();
      await relay.stop();
    }
  });
});

describe('policies that may not be read', () => {
  afterEach(() => source.stop());

  it('cannot be read, with a message that names what to grant', async () => {
    const rules = [{ ...READ[0]!, verbs: ['get'] }];
    begin(config((await cluster.serviceAccount('fuseboard', 'blind', rules, { everywhere: true })).kubeconfig));
    await eventually(() =>
      expect(source.state().unreadable).toMatch(
        /not allowed to list .*403.* grant the operator's account the verbs list and watch/,
      ),
    );
    expect(source.state().synced).toBe(false);
  });

  it('cannot be read, with a message that names the credentials', async () => {
    const kubeConfig = config(cluster.kubeconfig);
    kubeConfig.users = [{ name: 'test', token: 'not-a-token' }];
    begin(kubeConfig);
    await eventually(() => expect(source.state().unreadable).toMatch(/does not accept our credentials \(401\)/));
  });

  it('in all namespaces may still be read in some', async () => {
    const account = await cluster.serviceAccount('shop', 'local', READ);
    begin(config(account.kubeconfig), ['shop']);
    await well();
    await cluster.apply(opensAfter('payments', 3), opensAfter('payments', 3, 'bank'));
    await show('shop/payments#1');
  });
});
