import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policyCrd } from '@fuseboard/schema/crd';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PlainAgent } from '../../operator/test/plain-agent.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { type Kubelet, startKubelet } from '../cluster/kubelet.ts';
import { policy } from '../cluster/policy.ts';
import { type CommandError, eventually, run } from '../cluster/run.ts';
import { MAIN, NODE_FLAGS, OperatorProcess } from '../processes/operator.ts';

const SYSTEM = 'fuseboard-system';
const LABELS = { 'fuseboard.dev/component': 'operator' };

let cluster: Cluster;
let kubelet: Kubelet;
let operator: OperatorProcess;
let folder: string;
const agents: PlainAgent[] = [];

/** Runs `fuseboard check` with a kubeconfig; absent: the administrator's. */
async function check(kubeconfig = cluster.kubeconfig, ...args: string[]): Promise<{ code: number; text: string }> {
  const command = [...NODE_FLAGS, MAIN, 'check', ...args, '--kubeconfig', kubeconfig];
  const env = { PATH: process.env.PATH };
  try {
    return { code: 0, text: await run(process.execPath, command, { env }) };
  } catch (error) {
    const { code, stdout, stderr } = error as CommandError;
    return { code: code ?? -1, text: `${stdout}${stderr}` };
  }
}

/** Tries until the text has these lines, since agents and the API server follow a change a moment later. */
const finds = (code: number, ...lines: string[]) =>
  eventually(async () => {
    const found = await check();
    for (const line of lines) expect(found.text).toContain(line);
    expect(found.code).toBe(code);
  }, 60_000);

const policies = (...names: string[]) =>
  names.map((name) => policy('shop', name, { breakers: [name], trip: { consecutiveFailures: 3 } }));

/** A certificate in PEM that is its own authority. @param to its end, as `YYYYMMDDHHMMSSZ` */
async function certificate(to: string): Promise<string> {
  const at = (name: string) => join(folder, name);
  const settings = ['[ca]', 'default_ca = own', '[own]', `database = ${at('index')}`, `new_certs_dir = ${folder}`];
  settings.push(
    `serial = ${at('serial')}`,
    'default_md = sha256',
    'policy = any',
    '[any]',
    'commonName = supplied',
    '',
  );
  await writeFile(at('ca.cnf'), settings.join('\n'));
  await writeFile(at('index'), '');
  await writeFile(at('serial'), '01\n');
  await run('openssl', [
    ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=fuseboard', '-keyout', at('k'), '-out', at('r')],
  ]);
  await run('openssl', [
    ...['ca', '-batch', '-selfsign', '-notext', '-config', at('ca.cnf'), '-in', at('r'), '-keyfile', at('k')],
    ...['-out', at('c'), '-startdate', '20200101000000Z', '-enddate', to],
  ]);
  return readFile(at('c'), 'utf8');
}

/** The webhook that injects pods; here it is asked for none. */
const webhook = async (to: string) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'fuseboard', labels: LABELS },
  webhooks: [
    {
      name: 'inject.fuseboard.dev',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Ignore',
      clientConfig: {
        service: { namespace: SYSTEM, name: 'fuseboard-webhook' },
        caBundle: Buffer.from(await certificate(to)).toString('base64'),
      },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'nowhere' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
  ],
});

const endpoints = {
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'fuseboard-webhook', namespace: SYSTEM },
  subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 443 }] }],
};

const ready = (status: 'True' | 'False') =>
  cluster.kubectl(
    ...['patch', 'pod', 'fuseboard-0', '-n', SYSTEM, '--subresource=status', '--type=merge', '-p'],
    JSON.stringify({ status: { conditions: [{ type: 'Ready', status }] } }),
  );

const FAR = '20980101000000Z';
const CLOCK = new URL('../faults/fast-clock.ts', import.meta.url);

/** An operator as the chart starts it: with a Lease, and found through its pod. */
async function startOperator(shiftMs = 0): Promise<OperatorProcess> {
  const environment = { CLOCK_WALL_SHIFT_MS: String(shiftMs) };
  const started = await OperatorProcess.within(
    { environment, preload: CLOCK },
    ...['--kubeconfig', cluster.kubeconfig, '--lease-namespace', SYSTEM, '--replica-name', 'fuseboard-0'],
    ...['--report-url', '$URL/v1/report'],
  );
  await started.ready();
  await kubelet.run(SYSTEM, 'fuseboard-0', LABELS, new Map([[8081, started.adminPort]]));
  return started;
}

async function joined(url: string): Promise<PlainAgent> {
  const agent = await new PlainAgent(url, 'shop', 'checkout', `checkout-${agents.length}`).join();
  agents.push(agent);
  return agent;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-check-'));
  cluster = await startCluster();
  for (const name of ['shop', SYSTEM]) await cluster.namespace(name);
  kubelet = await startKubelet(cluster, 'here');
}, 120_000);

afterAll(async () => {
  for (const agent of agents) agent.close();
  await operator?.end();
  await kubelet?.stop();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

it('finds a cluster without the definitions and without an operator, in which all can be installed', async () => {
  const { code, text } = await check();
  expect(code).toBe(1);
  for (const name of ['circuitbreakerpolicies', 'circuitbreakeroverrides']) {
    expect(text).toContain(
      `× definitions  ${name}.fuseboard.dev is not installed\n               → run helm install, which brings them; `,
    );
  }
  expect(text).toContain(
    '× operator     no pod of an operator is there\n               → install the chart: helm install fuseboard …',
  );
  const before = await check(undefined, '--pre');
  expect(before.code).toBe(0);
  expect(before.text).toMatch(/^√ cluster {6}Kubernetes v1\.\d+\.\d+ at https:/);
  expect(before.text).toContain('√ definitions  none is installed yet\n3 checks: 0 failures, 0 warnings\n');
}, 60_000);

it('says that all is well once it is', async () => {
  await cluster.applyCrds();
  await cluster.apply(...policies('payments'), await webhook(FAR), endpoints);
  operator = await startOperator();
  await (await joined(operator.url)).report({ payments: { succeeded: 5 } });
  await finds(
    0,
    '√ definitions  circuitbreakerpolicies.fuseboard.dev is of this release\n',
    '√ rights       the user of the kubeconfig has what is needed\n',
    '√ operator     1 pod is ready\n',
    '√ leader       fuseboard-0 leads\n',
    '√ webhook      the authority of the webhook is valid until 2098-01-01, ',
    `√ quota        none in namespace "${SYSTEM}" is near its end\n`,
    '√ policies     1 is in use\n',
    '√ source       policies are read from the API server\n',
    '√ clock        the clock of the operator agrees with this one\n',
    '√ agents       1 is connected, none is stale or rejects a policy\n',
    '√ breakers     1 is governed by policies\n',
    '16 checks: 0 failures, 0 warnings\n',
  );
}, 180_000);

it('finds definitions of an older release', async () => {
  const older = structuredClone(policyCrd()) as never as {
    spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: object } } } } }[] };
  };
  delete (older.spec.versions[0]!.schema.openAPIV3Schema.properties.spec.properties as { fallback?: object }).fallback;
  await cluster.apply(older);
  await finds(
    1,
    '× definitions  circuitbreakerpolicies.fuseboard.dev is older than this command line: it lacks spec.fallback',
    '→ run helm upgrade; with crds.enabled=false: kubectl apply --server-side -f crds/',
  );
  await cluster.applyCrds();
  await finds(0, '√ definitions  circuitbreakerpolicies.fuseboard.dev is of this release\n');
}, 180_000);

it('finds a user without rights, who is told what is not known', async () => {
  const { kubeconfig } = await cluster.serviceAccount('people', 'guest', []);
  const { code, text } = await check(kubeconfig);
  expect(text).toContain(
    '‼ rights       the user of the kubeconfig may not list circuitbreakerpolicies (to see policies)',
  );
  for (const name of ['definitions', 'operator', 'leader', 'webhook', 'quota', 'policies', 'agents']) {
    expect(text).toMatch(new RegExp(`^\\? ${name} +not known: .*\\n +→ `, 'm'));
  }
  expect(code).toBe(0);
  const before = await check(kubeconfig, '--pre');
  expect(before.text).toContain(
    '× rights       the user of the kubeconfig may not create customresourcedefinitions (to install the definitions)',
  );
  expect(before.code).toBe(1);
}, 60_000);

it('finds an authority of the webhook that has ended, and a webhook that nobody answers for', async () => {
  await cluster.apply(await webhook('20200201000000Z'));
  await finds(
    1,
    '× webhook      the authority of the webhook ended on 2020-02-01\n               → renew it: helm upgrade',
  );
  await cluster.apply(await webhook(FAR));
  await cluster.kubectl('delete', 'endpoints', 'fuseboard-webhook', '-n', SYSTEM);
  await finds(
    1,
    `× webhook      Service "${SYSTEM}/fuseboard-webhook" of the webhook has no ready pod: no pod is injected\n`,
  );
  await cluster.apply(endpoints);
}, 180_000);

it('finds an operator without a ready pod', async () => {
  await ready('False');
  await finds(1, `× operator     no pod of the operator is ready: ${SYSTEM}/fuseboard-0\n`);
  await ready('True');
}, 90_000);

it('finds policies that nobody uses, breakers that nobody governs, and a quota near its end', async () => {
  await cluster.apply({
    ...policies('old')[0]!,
    spec: { breakers: ['old'], selector: { matchLabels: { app: 'none' } } },
  });
  await agents[0]!.report({ paymnts: { succeeded: 1 } });
  const quota = { name: 'small', namespace: SYSTEM };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: quota,
    spec: { hard: { 'limits.memory': '1Gi' } },
  });
  await cluster.kubectl(
    ...['patch', 'resourcequota', 'small', '-n', SYSTEM, '--subresource=status', '--type=merge', '-p'],
    JSON.stringify({ status: { hard: { 'limits.memory': '1Gi' }, used: { 'limits.memory': '960Mi' } } }),
  );
  await finds(
    0,
    '‼ policies     no agent is selected by shop/old\n               → compare spec.selector with the labels of agents',
    '‼ breakers     no policy governs shop/paymnts\n',
    `‼ quota        namespace "${SYSTEM}" is near the end of limits.memory of small (960Mi of 1Gi)\n`,
  );
  await cluster.kubectl('delete', 'resourcequota', 'small', '-n', SYSTEM);
  await cluster.kubectl('delete', 'cbp', 'old', '-n', 'shop');
}, 180_000);

it('finds an agent that has been silent', async () => {
  await finds(
    0,
    '‼ agents       1 has been silent for 30 s\n               → fuseboard get agents names them; did their pods end?',
  );
}, 120_000);

it('finds a clock of the operator that differs from this one', async () => {
  await operator.end();
  operator = await startOperator(-90_000);
  await finds(0, 's behind this one\n               → overrides end by it; synchronize both with NTP');
}, 180_000);

it('finds that nobody leads, where the operator hangs', async () => {
  operator.pause();
  try {
    await cluster.kubectl(
      ...['patch', 'lease', 'fuseboard', '-n', SYSTEM, '--type=merge', '-p'],
      JSON.stringify({ spec: { renewTime: new Date(Date.now() - 400_000).toISOString().replace('Z', '000Z') } }),
    );
    const { code, text } = await check();
    expect(text).toMatch(/^× leader {7}nobody leads: the Lease "fuseboard" was renewed 40\d s ago\n/m);
    expect(text).toMatch(/^\? agents {7}not known: /m);
    expect(code).toBe(1);
  } finally {
    operator.resume();
  }
}, 180_000);
