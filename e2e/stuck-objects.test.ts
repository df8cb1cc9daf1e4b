import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { OperatorProcess } from './processes/operator.ts';

const DELETED = 600;

let cluster: Cluster;
let operator: OperatorProcess;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
}, 600_000);

afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

const payments = (namespace: string, consecutiveFailures: number, name = 'payments') =>
  policy(namespace, name, { breakers: [name], trip: { consecutiveFailures } });

const accepted = (namespace: string, name: string, seconds: number) =>
  cluster.kubectl('wait', '--for=condition=Accepted', `cbp/${name}`, '-n', namespace, `--timeout=${seconds}s`);

const revisions = async (namespace: string) => {
  const listed = await cluster.kubectl('get', 'controllerrevisions', '-n', namespace, '-o', 'name');
  return listed.split('\n').filter((line) => line.includes('/payments-')).length;
};

it('keeps the history of other policies while that of one cannot be stored, as its namespace is being deleted', async () => {
  await cluster.namespace('leaving');
  for (const namespace of ['leaving', 'default']) {
    await cluster.apply(payments(namespace, 5));
    await eventually(async () => expect(await revisions(namespace)).toBe(1), 30_000);
  }
  await cluster.kubectl('delete', 'namespace', 'leaving', '--wait=false');
  await cluster.apply(payments('leaving', 7));
  await eventually(
    () => /the history of policies cannot be kept.*being terminated; trying again/.test(operator.log),
    30_000,
  );
  await cluster.apply(payments('default', 8));
  await eventually(async () => expect(await revisions('default')).toBe(2), 30_000);
  expect(await revisions('leaving')).toBe(1);
}, 180_000);

it('writes the status of other policies while that of one is denied, and that one as soon as it is allowed', async () => {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: 'team-wanted' };
  await cluster.apply(
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['fuseboard.dev'],
              apiVersions: ['v1alpha1'],
              operations: ['UPDATE'],
              resources: ['circuitbreakerpolicies/status'],
            },
          ],
        },
        validations: [
          { expression: "'team' in object.metadata.?labels.orValue({})", message: 'a label team is needed' },
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: metadata.name, validationActions: ['Deny'] },
    },
  );
  // The API server takes a while to deny.
  let tried = 0;
  await eventually(async () => {
    tried += 1;
    await cluster.apply(payments('default', 3, `unlabelled-${tried}`));
    await eventually(() => /cannot write the status of policy .*a label team is needed/.test(operator.log), 3_000);
  }, 60_000);
  const denied = `unlabelled-${tried}`;
  const allowed = payments('default', 3, 'labelled') as { metadata: object };
  await cluster.apply({ ...allowed, metadata: { ...allowed.metadata, labels: { team: 'shop' } } });
  await accepted('default', 'labelled', 10);
  const conditions = ['-o', 'jsonpath={.status.conditions[*].type}'];
  expect(await cluster.kubectl('get', 'cbp', denied, ...conditions)).not.toContain('Accepted');

  await cluster.kubectl('label', 'cbp', denied, 'team=shop');
  await accepted('default', denied, 60);
  await cluster.kubectl('delete', 'validatingadmissionpolicybinding', metadata.name);
}, 240_000);

it(`accepts a new policy within seconds after ${DELETED} were created and deleted`, async () => {
  await cluster.namespace('busy');
  const items = Array.from({ length: DELETED }, (_, i) => payments('busy', 3, `p-${i}`));
  await cluster.kubectl('create', '-f', '-', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  await cluster.kubectl('delete', 'cbp', '-n', 'busy', '--all', '--wait=false');
  await cluster.apply(payments('busy', 3, 'fresh'));
  await accepted('busy', 'fresh', 10);
}, 240_000);
