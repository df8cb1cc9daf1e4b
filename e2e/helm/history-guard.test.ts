import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { Installed } from './installed.ts';

let cluster: Cluster;
let operator: string;
let uid: string;

const owner = (kind: string, apiVersion: string, of: string) => [
  { apiVersion, kind, name: 'payments', uid: of, controller: true, blockOwnerDeletion: true },
];
const revision = (name: string, labels: object, ownerReferences: object[] = []) => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name, namespace: 'shop', labels, ownerReferences },
  revision: 1,
  data: {},
});
const OF_A_POLICY = () =>
  revision('ours', { 'fuseboard.dev/policy-uid': uid }, owner('CircuitBreakerPolicy', 'fuseboard.dev/v1alpha1', uid));

/** Revisions that are not the history of a policy, by what they are. */
const FOREIGN: Record<string, () => object> = {
  'of a StatefulSet': () => revision('of-a-set', { app: 'db' }, owner('StatefulSet', 'apps/v1', 'a-uid')),
  'without an owner, with the label of a policy': () => revision('planted', { 'fuseboard.dev/policy-uid': uid }),
  'of a policy, with the label of another': () =>
    revision(
      'mislabelled',
      { 'fuseboard.dev/policy-uid': 'another' },
      owner('CircuitBreakerPolicy', 'fuseboard.dev/v1alpha1', uid),
    ),
  'of a StatefulSet, with the label of a policy': () =>
    revision('labelled', { 'fuseboard.dev/policy-uid': uid }, owner('StatefulSet', 'apps/v1', uid)),
};

const REFUSED = /the operator makes and deletes ControllerRevisions of circuit-breaker policies only/;
const create = (object: object, ...by: string[]) =>
  cluster.kubectl('create', '-f', '-', { input: JSON.stringify(object), ...(by[0] && { kubeconfig: by[0] }) });
const remove = (name: string, ...by: string[]) =>
  cluster.kubectl('delete', 'controllerrevision', name, '-n', 'shop', { ...(by[0] && { kubeconfig: by[0] }) });
const nameOf = (object: object) => (object as ReturnType<typeof revision>).metadata.name;

beforeAll(async () => {
  cluster = await startCluster();
  const installed = await Installed.install(cluster);
  operator = await installed.account();
  await cluster.namespace('shop');
  await eventually(() => cluster.apply(policy('shop', 'payments', { breakers: ['payments'] })));
  uid = await cluster.kubectl('get', 'cbp', 'payments', '-n', 'shop', '-o', 'jsonpath={.metadata.uid}');
  // A policy of admission is in force a moment after it was made.
  const probe = revision('probe', {});
  await eventually(async () => expect(await create(probe, operator).catch(String)).toMatch(REFUSED));
}, 900_000);

afterAll(() => cluster?.stop());

describe('the account of the operator', () => {
  it('makes and deletes the revisions of a policy', async () => {
    await create(OF_A_POLICY(), operator);
    await remove('ours', operator);
  });

  it.each(Object.entries(FOREIGN))('neither makes nor deletes a revision %s', async (_what, made) => {
    const object = made();
    await expect(create(object, operator)).rejects.toThrow(REFUSED);
    await create(object);
    await expect(remove(nameOf(object), operator)).rejects.toThrow(REFUSED);
    // Everybody else is bound by RBAC alone.
    await remove(nameOf(object));
  });
});
