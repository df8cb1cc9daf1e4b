import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { freePort } from '../cluster/process.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed, SYSTEM } from './installed.ts';
import { Kubelet } from './kubelet.ts';
import { Reader } from './reader.ts';
import { StandIn } from './stand-in.ts';

let cluster: Cluster;
let reader: Reader;
let operator: OperatorProcess | undefined;
let agent: AgentProcess | undefined;
let standIn: StandIn | undefined;

beforeAll(async () => {
  cluster = await startCluster();
  reader = await Reader.of(cluster);
  await cluster.namespace('shop');
  await cluster.kubectl('create', 'serviceaccount', 'default', '-n', 'shop');
  await cluster.kubectl('create', 'deployment', 'checkout', '--image=registry.example/checkout', '-n', 'shop');
}, 600_000);

afterAll(async () => {
  await agent?.end();
  await standIn?.stop();
  await operator?.end();
  await cluster?.stop();
});

/** Makes the pod that a Deployment asks for, as its controllers would. */
async function rollOut(name: string): Promise<void> {
  const { spec } = JSON.parse(await cluster.kubectl('get', 'deployment', 'checkout', '-n', 'shop', '-o', 'json'));
  const { metadata, spec: wanted } = spec.template;
  // The admission plugin that gives a pod its account is off here.
  const pod = { metadata: { ...metadata, name }, spec: { serviceAccountName: 'default', ...wanted } };
  await cluster.kubectl('create', '-n', 'shop', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod }),
  });
}

it('a day from install to uninstall goes as the guide says, command by command', async () => {
  const guide = (await Reader.blocks('docs/a-day.md', 'e2e/helm/a-day.test.ts')).map(({ text }) => text);
  const next = (): string => {
    const text = guide.shift();
    if (text === undefined) throw new Error('the guide has fewer blocks than this test plays');
    return text;
  };
  const rejects = async (failures: number, name: string) => {
    await eventually(async () => (await agent!.stats('payments')).policy?.name === name);
    expect((await agent!.stats('payments')).policy?.spec).toMatchObject({ trip: { consecutiveFailures: failures } });
  };

  // Nodes would reach the operator by the name of its service; here it is localhost.
  const installing = reader.run(next().replace(/--set image/, "--set 'tls.dnsNames={localhost}' --set image"));
  const starting = (async () => {
    const installed = await Installed.found(cluster);
    const port = await freePort();
    operator = await installed.startOperator(`--webhook-port=${port}`);
    await installed.reachWebhook(port);
    const told: Record<string, string> = {
      FUSEBOARD_URL: `https://localhost:${operator.agentsPort}`,
      NODE_EXTRA_CA_CERTS: installed.file('ca.crt'),
    };
    standIn = new StandIn({ cluster, namespace: SYSTEM, environment: (name, value) => told[name] ?? value });
    return installed;
  })();
  const [output, installed] = await Promise.all([installing, starting]);
  expect(output).toMatch(/deployment "fuseboard" successfully rolled out[\s\S]*Phase:\s+Succeeded/);

  const [label, patch, listed] = next().split(/^(?=kubectl (?:patch|get))/m);
  await reader.run(label! + patch!);
  const kubelet = new Kubelet(cluster);
  let pods = 0;
  await eventually(async () => {
    pods += 1;
    await rollOut(`checkout-${pods}`);
    return ((await kubelet.pod('shop', `checkout-${pods}`)).spec.volumes?.length ?? 0) > 0;
  });
  expect(await reader.run(listed!)).toContain(`checkout-${pods}`);
  agent = await AgentProcess.start({}, await kubelet.launch(await kubelet.pod('shop', `checkout-${pods}`)));
  await eventually(async () => (await agent!.link()).state === 'Live');
  await agent.call('payments', 'ok');

  expect(await reader.run(next())).toMatch(/condition met[\s\S]*payments .*Enforce +True +True +1\/1/);
  await rejects(5, 'payments');
  expect(await reader.run(next())).toMatch(/^- +consecutiveFailures: 5\n\+ +consecutiveFailures: 2/m);
  await rejects(2, 'payments');
  expect(await reader.run(next())).toMatch(/has the spec of revision 1 again: trip.consecutiveFailures: 2 -> 5\n/);
  await rejects(5, 'payments');

  await reader.run(next());
  await rejects(10, 'checkout-team');
  const summary = 'jsonpath={.status.agents.summary}';
  await eventually(
    async () => (await cluster.kubectl('get', 'cbp', 'payments', '-n', 'shop', '-o', summary)) === '0/0',
  );
  const seen = await reader.run(next());
  expect(seen).toMatch(/^payments .*Enforce +True +True +0\/0/m);
  expect(seen).toContain('"summary":"0/0"');
  expect(seen).toMatch(/circuitbreakerpolicy\/checkout-team +1 agent applied the spec/);

  const explained = await reader.run(next());
  expect(explained).toMatch(/policy "checkout-team" governs "payments"[\s\S]*payments: .*selector/);
  await reader.run(next());
  await rejects(5, 'payments');

  await installed.restoreWebhook();
  expect(await reader.run(next())).toMatch(/successfully rolled out[\s\S]*\n1 .*superseded[\s\S]*\n2 .*deployed/);
  expect(await installed.arguments()).toContain('--log-level=debug');
  await reader.run(next());
  expect(await installed.arguments()).toContain('--log-level=info');

  expect(await reader.run(next())).toMatch(/shop +payments/);
  await rejects(5, 'payments');
  expect(await cluster.kubectl('get', 'mutatingwebhookconfigurations', '-o', 'name')).toBe('');
  await reader.run(next());
  await eventually(async () => !(await cluster.kubectl('get', 'crd', '-o', 'name')).includes('fuseboard'));
  await rejects(5, 'payments');
  expect(guide).toEqual([]);
}, 300_000);
