import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { Relay } from './cluster/relay.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

const NAMESPACE = 'fuseboard';
const AGENTS = 9;
/** Fewer seconds than in production, in the same proportions. */
const TIMES = [
  '--lease-duration=3s',
  '--lease-renew-deadline=2s',
  '--lease-retry-period=400ms',
  '--replica-renew-period=1s',
  '--replica-expiry=4s',
];

let cluster: Cluster;
let service: Relay;
let replicas: Map<string, OperatorProcess>;
let agents: AgentProcess[] = [];
let kubeconfig: string;

const get = async (...what: string[]) => JSON.parse(await cluster.kubectl('get', ...what, '-o', 'json'));
const apply = (name: string, failures: number) =>
  cluster.kubectl('apply', '-f', '-', {
    input: JSON.stringify({
      apiVersion: 'fuseboard.dev/v1alpha1',
      kind: 'CircuitBreakerPolicy',
      metadata: { name, namespace: 'default' },
      spec: { breakers: [name], trip: { consecutiveFailures: failures } },
    }),
  });

async function launch(name: string): Promise<OperatorProcess> {
  const operator = await OperatorProcess.start(
    `--kubeconfig=${kubeconfig}`,
    `--lease-namespace=${NAMESPACE}`,
    `--replica-name=${name}`,
    '--report-url=$URL/v1/report',
    ...TIMES,
  );
  replicas.set(name, operator);
  return operator;
}

/** Connections go to replicas that run, as a Service sends them. */
function route(): void {
  service.targets = [...replicas.values()].map(({ agentsPort }) => agentsPort);
}

async function kill(name: string): Promise<void> {
  const operator = replicas.get(name)!;
  replicas.delete(name);
  route();
  await operator.end('SIGKILL');
}

const leads = async (operator: OperatorProcess) =>
  /^leader_election_master_status\{name="fuseboard"\} 1$/m.test(await operator.metrics());

const leader = () =>
  eventually(async () => {
    const found: string[] = [];
    for (const [name, operator] of replicas) if (await leads(operator)) found.push(name);
    return found.length === 1 && found[0]!;
  }, 30_000);

const summary = async (name: string) => {
  const { status, metadata } = await get('cbp', name);
  const programmed = status?.conditions?.find(({ type }: { type: string }) => type === 'Programmed');
  return {
    generation: metadata.generation,
    programmed: programmed?.status,
    speaksOf: programmed?.observedGeneration,
    ...status?.agents,
  };
};

/** All replicas together count each agent once. */
const exact = (name: string, count: number, timeoutMs = 60_000) =>
  eventually(async () => {
    const now = await summary(name);
    expect(now).toMatchObject({
      programmed: 'True',
      speaksOf: now.generation,
      matched: count,
      applied: count,
      stale: 0,
    });
  }, timeoutMs);

const run = (name: string, failures: number) =>
  eventually(async () => {
    const stats = await Promise.all(agents.map((agent) => agent.stats(name)));
    expect(stats.map(({ policy }) => policy?.spec)).toEqual(
      agents.map(() => ({
        mode: 'Enforce',
        onUpdate: 'Preserve',
        breakers: [name],
        trip: { consecutiveFailures: failures },
      })),
    );
  }, 20_000);

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  await cluster.namespace(NAMESPACE);
  const everywhere = [
    { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies/status'], verbs: ['update'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ];
  ({ kubeconfig } = await cluster.serviceAccount(NAMESPACE, 'operator', everywhere, { everywhere: true }));
  await cluster.serviceAccount(NAMESPACE, 'operator', [
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
    },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch', 'create', 'update', 'delete'] },
  ]);
  service = await new Relay().start();
  replicas = new Map();
  await Promise.all(['a', 'b', 'c'].map(launch));
  route();
  const environment = { FUSEBOARD_URL: `http://127.0.0.1:${service.port}`, FUSEBOARD_SERVICE: 'checkout' };
  agents = await Promise.all(Array.from({ length: AGENTS }, () => AgentProcess.start(environment)));
}, 600_000);

afterAll(async () => {
  await Promise.all(agents.map((one) => one.end()));
  await Promise.all([...(replicas?.values() ?? [])].map((one) => one.end()));
  await service?.stop();
  await cluster?.stop();
});

/** Every test begins with three replicas. */
beforeEach(async () => {
  for (const name of ['a', 'b', 'c']) if (!replicas.has(name)) await launch(name);
  route();
  await leader();
}, 120_000);

describe('three replicas', () => {
  it('elect one leader, count together, and write what all of them count', async () => {
    await apply('payments', 3);
    await run('payments', 3);
    await exact('payments', AGENTS);
    const known = await Promise.all(
      [...replicas.values()].map(async (one) => (await one.admin<{ items: unknown[] }>('/v1/agents')).items.length),
    );
    expect(known.reduce((sum, count) => sum + count, 0)).toBe(AGENTS);
    expect(known.every((count) => count > 0)).toBe(true);
  }, 90_000);

  it('never stop to push when the leader and then another one are killed in the middle of a change', async () => {
    await apply('orders', 1);
    await exact('orders', AGENTS);
    const first = await leader();
    await apply('orders', 2);
    await kill(first);
    await run('orders', 2);
    await apply('orders', 3);
    const [second] = [...replicas.keys()];
    await kill(second!);
    await run('orders', 3);
    await exact('orders', AGENTS);
    await eventually(async () => {
      const { items } = await get('leases,configmaps', '-n', NAMESPACE, '-l', 'fuseboard.dev/replicas=fuseboard');
      type Object = { metadata: { labels: Record<string, string> } };
      const names = new Set((items as Object[]).map(({ metadata }) => metadata.labels['fuseboard.dev/replica']));
      expect([...names]).toEqual([...replicas.keys()]);
    }, 30_000);
  }, 180_000);
});
