import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import { Guided } from './guided.ts';
import { SYSTEM } from './installed.ts';
import { makePod, podToken, tokenFile } from './pods.ts';
import { Reader } from './reader.ts';

let guided: Guided;

beforeAll(async () => {
  guided = await Guided.start();
}, 600_000);

afterAll(() => guided?.stop());

it('the guide installs an operator, connects a service and leaves its policies when it goes', async () => {
  const { cluster, reader } = guided;
  const guide = await Reader.blocks('docs/install.md', 'e2e/helm/install-guide.test.ts');
  const [release, inject, authority, deployment, uninstall, ...more] = guide.map(({ text }) => text);
  expect(more).toEqual([]);

  const { output } = await guided.install(release!, (installed) => installed.startOperator());
  expect(output).toMatch(/deployment "fuseboard" successfully rolled out[\s\S]*Phase:\s+Succeeded/);

  await cluster.kubectl('create', 'deployment', 'checkout', '--image=registry.example/checkout', '-n', 'shop');
  await reader.run(inject!);
  const asks = 'jsonpath={.spec.template.metadata.annotations.fuseboard\\.dev/inject}';
  expect(await cluster.kubectl('get', 'deployment', 'checkout', '-n', 'shop', '-o', asks)).toBe('true');
  await reader.run(authority!);
  const patch = JSON.stringify(parse(deployment!));
  await cluster.kubectl('patch', 'deployment', 'checkout', '-n', 'shop', '--type=strategic', '-p', patch);
  const stored = JSON.parse(await cluster.kubectl('get', 'deployment', 'checkout', '-n', 'shop', '-o', 'json'));
  const { containers, volumes } = stored.spec.template.spec;
  const [{ serviceAccountToken: token }, { configMap }] = volumes[0].projected.sources;
  expect(containers).toHaveLength(1);
  expect(containers[0].volumeMounts).toMatchObject([
    { name: 'fuseboard', mountPath: '/var/run/secrets/fuseboard.dev' },
  ]);
  const notes = await reader.run(`helm get notes fuseboard -n ${SYSTEM}`);
  expect(notes).toContain(containers[0].env[0].value);

  await makePod(cluster, 'shop', 'checkout-1');
  const map = JSON.parse(
    await cluster.kubectl('get', 'configmap', configMap.name, '-n', 'shop', '-o', 'jsonpath={.data}'),
  );
  const caFile = join(reader.home, 'mounted-ca.crt');
  await writeFile(caFile, map['ca.crt']);
  const agent = await AgentProcess.start({
    FUSEBOARD_URL: `https://localhost:${guided.operator!.agentsPort}`,
    FUSEBOARD_TOKEN_FILE: await tokenFile(
      cluster,
      'guide',
      await podToken(cluster, 'shop', 'checkout-1', token.audience),
    ),
    FUSEBOARD_CA_FILE: caFile,
  });
  guided.agent = agent;

  const policy = notes.slice(notes.indexOf('kubectl apply -f - <<')).replaceAll(/^ {3}/gm, '');
  await reader.run(policy.slice(0, policy.indexOf('\n', policy.indexOf('\nkubectl get') + 1)));
  await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/payments', '-n', 'shop', '--timeout=30s');
  await eventually(async () => (await agent.stats('payments')).policy?.name === 'payments');

  expect(await reader.run(uninstall!)).toMatch(/shop\s+payments/);
  expect((await agent.stats('payments')).policy?.name).toBe('payments');
}, 180_000);
