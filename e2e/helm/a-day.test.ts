import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../examples/offer-demo/address.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import { Guided } from './guided.ts';
import { Kubelet } from './kubelet.ts';
import { Reader } from './reader.ts';

let guided: Guided;

beforeAll(async () => {
  guided = await Guided.start();
  const { cluster } = guided;
  await cluster.kubectl('create', 'serviceaccount', 'default', '-n', 'shop');
  await cluster.kubectl('create', 'deployment', 'checkout', '--image=registry.example/checkout', '-n', 'shop');
}, 600_000);

afterAll(() => guided?.stop());

/** Makes the pod that a Deployment asks for, as its controllers would. */
async function rollOut(cluster: Cluster, name: string): Promise<void> {
  const { spec } = JSON.parse(await cluster.kubectl('get', 'deployment', 'checkout', '-n', 'shop', '-o', 'json'));
  const { metadata, spec: wanted } = spec.template;
  // The admission plugin that gives a pod its account is off here.
  const pod = { metadata: { ...metadata, name }, spec: { serviceAccountName: 'default', ...wanted } };
  await cluster.kubectl('create', '-n', 'shop', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod }),
  });
}

it('a day from install to uninstall goes as the guide says, command by command', async () => {
  const { cluster, reader } = guided;
  const guide = (await Reader.blocks('docs/a-day.md', 'e2e/helm/a-day.test.ts')).map(({ text }) => text);
  const next = (): string => {
    const text = guide.shift();
    if (text === undefined) throw new Error('the guide has fewer blocks than this test plays');
    return text;
  };
  const rejects = async (failures: number, name: string) => {
    await eventually(async () => (await guided.agent!.stats('payments')).policy?.name === name);
    expect((await guided.agent!.stats('payments')).policy?.spec).toMatchObject({
      trip: { consecutiveFailures: failures },
    });
  };

  const { output, installed } = await guided.install(next(), async (found) => {
    const port = await freePort();
    await found.reachWebhook(port);
    return found.startOperator(`--webhook-port=${port}`);
  });
  expect(output).toMatch(/deployment "fuseboard" successfully rolled out[\s\S]*Phase:\s+Succeeded/);

  const [label, patch, listed] = next().split(/^(?=kubectl (?:patch|get))/m);
  await reader.run(label! + patch!);
  const kubelet = new Kubelet(cluster);
  let pods = 0;
  await eventually(async () => {
    pods += 1;
    await rollOut(cluster, `checkout-${pods}`);
    return ((await kubelet.pod('shop', `checkout-${pods}`)).spec.volumes?.length ?? 0) > 0;
  });
  expect(await reader.run(listed!)).toContain(`checkout-${pods}`);
  const agent = await AgentProcess.start({}, await kubelet.launch(await kubelet.pod('shop', `checkout-${pods}`)));
  guided.agent = agent;
  await eventually(async () => (await agent.link()).state === 'Live');
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
  expect(seen).toMatch(/^payments .*Enforce +True +Unknown +0\/0/m);
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
