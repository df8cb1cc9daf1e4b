import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { blocks } from '../../test/documents.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { findHelm, findKubectl } from '../cluster/kubectl.ts';
import { eventually, run } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed, SYSTEM } from './installed.ts';
import { makePod, podToken, tokenFile } from './pods.ts';
import { StandIn } from './stand-in.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REASON = 'needs a cluster; e2e/helm/install-guide.test.ts runs it on one';

let cluster: Cluster;
let home: string;
let operator: OperatorProcess | undefined;
let agent: AgentProcess | undefined;
let standIn: StandIn | undefined;

/** Runs a block as a reader would, in a folder where `charts/` is. */
const script = (text: string) => {
  const env = { HOME: home, PATH: `${join(home, 'bin')}:${process.env.PATH}` };
  return run('bash', ['-euo', 'pipefail', '-c', text], { cwd: home, env });
};

beforeAll(async () => {
  cluster = await startCluster();
  home = join(cluster.folder, 'home');
  await mkdir(join(home, '.kube'), { recursive: true });
  await mkdir(join(home, 'bin'));
  await copyFile(cluster.kubeconfig, join(home, '.kube', 'config'));
  await symlink(await findKubectl(), join(home, 'bin', 'kubectl'));
  await symlink(await findHelm(), join(home, 'bin', 'helm'));
  await symlink(join(ROOT, 'charts'), join(home, 'charts'));
  await cluster.namespace('shop');
}, 600_000);

afterAll(async () => {
  await agent?.end();
  await standIn?.stop();
  await operator?.end();
  await cluster?.stop();
});

it('the guide installs an operator, connects a service and leaves its policies when it goes', async () => {
  const guide = blocks('docs/install.md', await readFile(join(ROOT, 'docs/install.md'), 'utf8'));
  const [release, authority, deployment, uninstall, ...more] = guide
    .filter(({ notRun }) => notRun === REASON)
    .map(({ text }) => text);
  expect(more).toEqual([]);

  // Nodes would reach the operator by the name of its service; here it is localhost.
  const here = release!.replace(/--set image/, "--set 'tls.dnsNames={localhost}' --set image");
  const installing = script(here);
  const starting = (async () => {
    const installed = await Installed.found(cluster);
    operator = await installed.startOperator();
    const told: Record<string, string> = {
      FUSEBOARD_URL: `https://localhost:${operator.agentsPort}`,
      NODE_EXTRA_CA_CERTS: installed.file('ca.crt'),
    };
    const environment = (name: string, value: string) => told[name] ?? value;
    standIn = new StandIn({ cluster, namespace: SYSTEM, environment });
  })();
  const [output] = await Promise.all([installing, starting]);
  expect(output).toMatch(/deployment "fuseboard" successfully rolled out[\s\S]*Phase:\s+Succeeded/);

  await script(authority!);
  await cluster.kubectl('create', 'deployment', 'checkout', '--image=registry.example/checkout', '-n', 'shop');
  const patch = JSON.stringify(parse(deployment!));
  await cluster.kubectl('patch', 'deployment', 'checkout', '-n', 'shop', '--type=strategic', '-p', patch);
  const stored = JSON.parse(await cluster.kubectl('get', 'deployment', 'checkout', '-n', 'shop', '-o', 'json'));
  const { containers, volumes } = stored.spec.template.spec;
  const [{ serviceAccountToken: token }, { configMap }] = volumes[0].projected.sources;
  expect(containers).toHaveLength(1);
  expect(containers[0].volumeMounts).toMatchObject([
    { name: 'fuseboard', mountPath: '/var/run/secrets/fuseboard.dev' },
  ]);
  const notes = await script(`helm get notes fuseboard -n ${SYSTEM}`);
  expect(notes).toContain(`FUSEBOARD_URL=${containers[0].env[0].value}`);

  await makePod(cluster, 'shop', 'checkout-1');
  const map = JSON.parse(
    await cluster.kubectl('get', 'configmap', configMap.name, '-n', 'shop', '-o', 'jsonpath={.data}'),
  );
  const caFile = join(home, 'mounted-ca.crt');
  await writeFile(caFile, map['ca.crt']);
  agent = await AgentProcess.start({
    FUSEBOARD_URL: `https://localhost:${operator!.agentsPort}`,
    FUSEBOARD_TOKEN_FILE: await tokenFile(
      cluster,
      'guide',
      await podToken(cluster, 'shop', 'checkout-1', token.audience),
    ),
    FUSEBOARD_CA_FILE: caFile,
  });

  const policy = notes.slice(notes.indexOf('kubectl apply -f - <<')).replaceAll(/^ {3}/gm, '');
  await script(policy.slice(0, policy.indexOf('\n', policy.indexOf('\nkubectl get') + 1)));
  await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/payments', '-n', 'shop', '--timeout=30s');
  await eventually(async () => (await agent!.stats('payments')).policy?.name === 'payments');

  expect(await script(uninstall!)).toMatch(/shop\s+payments/);
  expect((await agent.stats('payments')).policy?.name).toBe('payments');
}, 180_000);
