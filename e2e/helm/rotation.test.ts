import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../examples/offer-demo/address.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { Relay } from '../cluster/relay.ts';
import { eventually } from '../cluster/run.ts';
import { Crowd } from '../processes/crowd.ts';
import type { Standing } from '../processes/crowd-main.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed } from './installed.ts';
import { Kubelet } from './kubelet.ts';
import { openStream, podToken } from './pods.ts';
import { Reader } from './reader.ts';

const PODS = ['checkout-1', 'checkout-2', 'checkout-3', 'checkout-4'];
const AGENTS_IN_A_POD = 50;
const AGENTS = PODS.length * AGENTS_IN_A_POD;
const CALLS = 10;

let cluster: Cluster;
let installed: Installed;
let operator: OperatorProcess;
let kubelet: Kubelet;
let reader: Reader;
let wire: Relay;
const crowds: Crowd[] = [];

const apply = (consecutiveFailures: number) =>
  cluster.apply(policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures } }));

/** All crowds as one. */
async function standing(): Promise<Standing> {
  const all = await Promise.all(crowds.map((crowd) => crowd.standing()));
  const sum = (of: (one: Standing) => number) => all.reduce((total, one) => total + of(one), 0);
  const generations = [...new Set(all.flatMap((one) => Object.keys(one.generations)))];
  return {
    agents: sum(({ agents }) => agents),
    live: sum(({ live }) => live),
    failedCalls: sum(({ failedCalls }) => failedCalls),
    fewestCalls: Math.min(...all.map(({ fewestCalls }) => fewestCalls)),
    generations: Object.fromEntries(generations.map((name) => [name, sum((one) => one.generations[name] ?? 0)])),
    warnings: all.flatMap(({ warnings }) => warnings),
  };
}
const mountIntoPods = async () => {
  for (const name of PODS) await kubelet.layOut(await kubelet.pod('shop', name));
};
const replaced = () => operator.log.match(/the certificate was replaced/g)?.length ?? 0;

/** Brings the changed secret to the operator, and waits until it has noticed. */
async function mountIntoOperator(): Promise<void> {
  const before = replaced();
  await installed.mountCertificate();
  await eventually(() => replaced() === before + 1, 60_000);
}

/** Every agent has to reconnect, takes the next edit, and continues calling; none has failed one. */
async function everybodyReconnects(generation: number): Promise<void> {
  wire.cut();
  await apply(generation + 10);
  await eventually(async () => {
    const now = await standing();
    return now.live === AGENTS && now.generations[generation] === AGENTS;
  }, 90_000);
  const { fewestCalls } = await standing();
  await eventually(async () => (await standing()).fewestCalls >= fewestCalls + CALLS, 60_000);
  const { agents, live, failedCalls, warnings } = await standing();
  expect({ agents, live, failedCalls }).toEqual({ agents: AGENTS, live: AGENTS, failedCalls: 0 });
  expect(warnings.filter((line) => /certificate|self.signed|issuer/i.test(line))).toEqual([]);
}

const startedAt = async () => /^process_start_time_seconds (\S+)/m.exec(await operator.metrics())?.[1];

async function injectedPod(name: string): Promise<void> {
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'shop', namespace: 'shop' } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop', annotations: { 'fuseboard.dev/inject': 'true' } },
      spec: { serviceAccountName: 'shop', containers: [{ name: 'web', image: 'registry.example/checkout' }] },
    },
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await eventually(async () => {
    await cluster.kubectl('apply', '-f', '-', { input: list });
    if ((await kubelet.pod('shop', name)).spec.volumes?.length === 2) return true;
    // The API server did not know the webhook yet.
    await cluster.kubectl('delete', 'pod', name, '-n', 'shop', '--grace-period=0', '--force');
    return false;
  });
}

/**
 * The API server, which has the new bundle by the upgrade, still reaches the webhook, and the webhook gives the new
 * bundle.
 */
async function newPodTrusts(file: string, name: string): Promise<void> {
  await injectedPod(name);
  const { annotations } = (await kubelet.pod('shop', name)).metadata;
  expect(annotations?.['fuseboard.dev/ca']).toBe(readFileSync(join(reader.home, file), 'utf8'));
}

beforeAll(async () => {
  cluster = await startCluster();
  kubelet = new Kubelet(cluster);
  reader = await Reader.of(cluster);
}, 600_000);

afterAll(async () => {
  await Promise.all(crowds.map((crowd) => crowd.end()));
  await operator?.end();
  await wire?.stop();
  await cluster?.stop();
});

it('the guide renews the certificate and the authority under 200 agents: no call fails, and the operator runs on', async () => {
  const guide = await Reader.blocks('docs/certificates.md', 'e2e/helm/rotation.test.ts');
  const [own, renewed, both, next, alone, ...more] = guide.map(({ text }) => text);
  expect(more).toEqual([]);

  // Nodes would reach the operator by the name of its service; here it is localhost.
  await reader.run(own!.replace('subjectAltName=', 'subjectAltName=DNS:localhost,'));
  installed = await Installed.found(cluster);
  wire = await new Relay(0).start();
  const port = await freePort();
  operator = await installed.startOperator(
    `--webhook-port=${port}`,
    `--webhook-agents-url=https://localhost:${wire.port}`,
    `--report-url=https://localhost:${wire.port}/v1/report`,
  );
  wire.targets = [operator.agentsPort];
  await installed.reachWebhook(port);
  await cluster.namespace('shop');
  await cluster.kubectl('label', 'namespace', 'shop', 'fuseboard.dev/inject=enabled');
  await apply(11);
  for (const name of PODS) await injectedPod(name);
  const link = async (name: string) => (await kubelet.layOut(await kubelet.pod('shop', name)))['fuseboard-dev-link']!;
  for (const pair of [PODS.slice(0, 2), PODS.slice(2)]) {
    const seats = await Promise.all(pair.map(async (name) => ({ folder: await link(name), count: AGENTS_IN_A_POD })));
    crowds.push(new Crowd(seats));
  }
  await eventually(async () => (await standing()).generations[1] === AGENTS, 60_000);
  const began = await startedAt();

  await reader.run(renewed!);
  await mountIntoOperator();
  await everybodyReconnects(2);

  const first = join(cluster.folder, 'first-ca.crt');
  await copyFile(installed.file('ca.crt'), first);
  await installed.restoreWebhook();
  await reader.run(both!);
  await installed.reachWebhook(port);
  await installed.mountCertificate();
  await mountIntoPods();
  await everybodyReconnects(3);
  await newPodTrusts('both.crt', 'checkout-5');

  await reader.run(next!);
  await mountIntoOperator();
  await everybodyReconnects(4);
  const token = await podToken(cluster, 'shop', 'checkout-1');
  await expect(openStream(operator.agentsPort, first, token)).rejects.toThrow(/certificate|issuer/);

  await installed.restoreWebhook();
  await reader.run(alone!);
  await installed.reachWebhook(port);
  await installed.mountCertificate();
  await mountIntoPods();
  await everybodyReconnects(5);
  await newPodTrusts('ca.crt', 'checkout-6');

  expect(await startedAt()).toBe(began);
  expect(operator.log).not.toMatch(/"level":(50|60|"error"|"fatal")/);
}, 400_000);
