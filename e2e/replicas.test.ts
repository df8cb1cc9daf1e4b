import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { StandaloneTarget } from '../operator/src/cli/client/standalone.ts';
import { program } from '../operator/src/cli/program.ts';
import type { Terminal } from '../operator/src/cli/terminal.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
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
let kubeconfigs: Map<string, string>;
let extra: OperatorProcess[] = [];

/** A write that the API server took: of the Lease of the leader, or of the status of a policy. */
interface Write {
  /** Where it comes in the one order of all writes of the store. */
  readonly version: bigint;
  readonly by: string;
  /** Who leads from here on; absent in a write of a status. */
  readonly holder?: string;
}

/** Writes of a status by somebody who did not hold the Lease at that moment. */
function strayWrites(writes: readonly Write[]): Write[] {
  let holder = '';
  return writes
    .toSorted((a, b) => (a.version < b.version ? -1 : 1))
    .filter((write) => {
      if (write.holder !== undefined) holder = write.holder;
      return write.holder === undefined && write.by !== holder;
    });
}

async function writes(): Promise<Write[]> {
  const lines = (await readFile(cluster.auditLog, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.flatMap((line): Write[] => {
    const { user, verb, objectRef, responseStatus, responseObject } = JSON.parse(line);
    if (!['create', 'update', 'patch'].includes(verb) || responseStatus.code >= 300) return [];
    const write = {
      version: BigInt(responseObject.metadata.resourceVersion),
      by: user.username.replace(/^.*:replica-/, ''),
    };
    if (objectRef.resource !== 'leases') return objectRef.subresource === 'status' ? [write] : [];
    return objectRef.name === 'fuseboard'
      ? [{ ...write, holder: responseObject.spec.holderIdentity.replace(/_.*$/, '') }]
      : [];
  });
}

const get = async (...what: string[]) => JSON.parse(await cluster.kubectl('get', ...what, '-o', 'json'));
const apply = (name: string, failures: number, namespace = 'default') =>
  cluster.apply(policy(namespace, name, { breakers: [name], trip: { consecutiveFailures: failures } }));

async function launch(name: string): Promise<OperatorProcess> {
  const operator = await OperatorProcess.start(
    `--kubeconfig=${kubeconfigs.get(name)}`,
    '--watch-namespaces=default',
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

const summary = async (name: string, namespace = 'default') => {
  const { status, metadata } = await get('cbp', name, '-n', namespace);
  const programmed = status?.conditions?.find(({ type }: { type: string }) => type === 'Programmed');
  return {
    generation: metadata.generation,
    programmed: programmed?.status,
    speaksOf: programmed?.observedGeneration,
    ...status?.agents,
  };
};

/** The replicas of which something is stored. */
async function stored(): Promise<string[]> {
  const { items } = await get('leases,configmaps', '-n', NAMESPACE, '-l', 'fuseboard.dev/replicas=fuseboard');
  const names = (items as { metadata: { labels: Record<string, string> } }[]).map(
    ({ metadata }) => metadata.labels['fuseboard.dev/replica']!,
  );
  return [...new Set(names)].sort();
}

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
  cluster = await startCluster({
    audit: [
      { level: 'RequestResponse', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] },
      {
        level: 'RequestResponse',
        resources: [{ group: 'fuseboard.dev', resources: ['circuitbreakerpolicies/status'] }],
      },
      { level: 'None' },
    ],
  });
  await cluster.applyCrds();
  await cluster.namespace('pair');
  const everywhere = [
    { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies/status'], verbs: ['update'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ];
  const verbs = ['list', 'watch', 'create', 'update', 'delete'];
  const there = [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', ...verbs] },
    { apiGroups: [''], resources: ['configmaps'], verbs },
  ];
  kubeconfigs = new Map();
  for (const name of ['a', 'b', 'c']) {
    const account = `replica-${name}`;
    await cluster.serviceAccount(NAMESPACE, account, everywhere, { everywhere: true });
    kubeconfigs.set(name, (await cluster.serviceAccount(NAMESPACE, account, there)).kubeconfig);
  }
  service = await new Relay().start();
  replicas = new Map();
  await Promise.all(['a', 'b', 'c'].map(launch));
  route();
  const environment = { FUSEBOARD_URL: `http://127.0.0.1:${service.port}`, FUSEBOARD_SERVICE: 'checkout' };
  agents = await Promise.all(Array.from({ length: AGENTS }, () => AgentProcess.start(environment)));
}, 600_000);

afterAll(async () => {
  await Promise.all(agents.map((one) => one.end()));
  await Promise.all([...(replicas?.values() ?? []), ...extra].map((one) => one.end()));
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

    await Promise.all(agents.map((agent) => agent.call('payments', 'fail', 'fail', 'fail')));
    await eventually(async () => {
      const { status } = await get('cbp', 'payments');
      expect(status.breakers).toEqual({ closed: 0, open: AGENTS, halfOpen: 0, shadowOpen: 0 });
    });
    await eventually(async () => expect(await cluster.kubectl('get', 'events')).toMatch(/BreakerOpened/));
  }, 90_000);

  it('give one answer for the cluster from each of them, and name one that is stopped', async () => {
    await apply('parcels', 1);
    await exact('parcels', AGENTS);
    await Promise.all(agents.map((agent) => agent.call('parcels', 'fail')));
    const open = { state: 'open', agents: AGENTS, states: { open: AGENTS } };
    const urls = [...replicas.values()].map(adminUrl);
    const entries = urls.map((_, i) => [...urls.slice(i), ...urls.slice(0, i)].join(','));
    const answer = async (server: string) => {
      const json = async (...args: string[]) => JSON.parse(await ask(server, ...args, '-o', 'json'));
      const listed = await json('get', 'agents');
      const found = await json('get', 'breakers', 'parcels');
      const status = await json('status');
      expect([listed.unanswered, found.unanswered, status.unanswered]).toEqual([[], [], []]);
      expect(found.items).toMatchObject([open]);
      const { since, unwell, changes } = found.items[0];
      return {
        ...{ since, unwell, transitions: changes.length },
        agents: listed.items.map(({ instance }: { instance: string }) => instance),
        status,
        explain: await ask(server, 'explain', 'parcels'),
        described: timeless(await ask(server, 'describe', 'breaker', 'parcels')),
        top: timeless(await ask(server, 'top', '--once')).replace(/^.*\n/, ''),
        agent: timeless(await ask(server, 'describe', 'agent', listed.items[0].instance)),
      };
    };
    await eventually(async () => {
      const [first, ...others] = await Promise.all(entries.map(answer));
      expect(first!.agents).toHaveLength(AGENTS);
      expect(first!.status.agents).toMatchObject({ connected: AGENTS });
      expect(others).toEqual([first, first]);
    }, 60_000);

    const alone = JSON.parse(await ask(urls[0]!, 'get', 'agents', '-o', 'json'));
    expect(alone.unanswered.map(({ replica }: { replica: string }) => replica)).toHaveLength(2);

    const [name, stopped] = [...replicas][2]!;
    const url = adminUrl(stopped);
    await kill(name);
    const missing = `replica "${url}" did not answer`;
    expect(await ask(entries[0]!, 'top', '--once')).toContain(missing);
    expect(await ask(entries[0]!, 'describe', 'policy', 'parcels')).toContain(missing);
    const status = await ask(entries[0]!, 'status');
    expect(status).toContain(missing);
    expect(status).not.toContain('all is well');
    const rest = JSON.parse(await ask(entries[2]!, 'get', 'breakers', '-o', 'json'));
    expect(rest.unanswered).toMatchObject([{ replica: url }]);
  }, 180_000);

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
    await eventually(async () => expect(await stored()).toEqual([...replicas.keys()].sort()), 30_000);
  }, 180_000);

  it('continue at once without a leader that is told to end, and it leaves nothing behind', async () => {
    await apply('stock', 1);
    await exact('stock', AGENTS);
    const first = await leader();
    const operator = replicas.get(first)!;
    replicas.delete(first);
    route();
    expect(await operator.end('SIGTERM')).toBe(0);
    expect(await stored()).not.toContain(first);
    await leader();
    await apply('stock', 2);
    await exact('stock', AGENTS);
  }, 120_000);

  it('have one that writes, also when the leader is stopped for a while and then continues', async () => {
    await apply('mail', 1);
    await exact('mail', AGENTS);
    const first = await leader();
    const stopped = replicas.get(first)!;
    // What the leader has in hand when it stops is what it would write when it continues.
    await apply('mail', 2);
    stopped.pause();
    replicas.delete(first);
    route();
    const second = await leader();
    await apply('mail', 3);
    await eventually(async () => (await summary('mail')).generation === 3 && (await writes()).at(-1)?.by === second);
    stopped.resume();
    replicas.set(first, stopped);
    route();
    await apply('mail', 4);
    await run('mail', 4);
    await exact('mail', AGENTS);
    expect(await leader()).toBe(second);

    const all = await writes();
    expect(all.filter(({ holder }) => holder === undefined).length).toBeGreaterThan(0);
    expect(strayWrites(all)).toEqual([]);
    const planted: Write = { version: all.at(-1)!.version + 1n, by: first };
    expect(strayWrites([...all, planted])).toEqual([planted]);
  }, 120_000);
});

describe('two replicas behind one address, which say no address of their own', () => {
  let pair: Relay | undefined;
  afterAll(() => pair?.stop());

  it('get the reports of their own agents, and no call is counted twice', async () => {
    pair = await new Relay().start();
    extra = await Promise.all(
      ['x', 'y'].map((name) =>
        OperatorProcess.start(
          `--kubeconfig=${cluster.kubeconfig}`,
          `--lease-namespace=${NAMESPACE}`,
          '--lease-name=pair',
          `--replica-name=${name}`,
          '--watch-namespaces=pair',
          ...TIMES,
        ),
      ),
    );
    pair.targets = extra.map(({ agentsPort }) => agentsPort);
    const environment = {
      FUSEBOARD_URL: `http://127.0.0.1:${pair.port}`,
      FUSEBOARD_SERVICE: 'checkout',
      FUSEBOARD_NAMESPACE: 'pair',
    };
    const few: AgentProcess[] = [];
    const join = async (count: number) => {
      const joined = await Promise.all(Array.from({ length: count }, () => AgentProcess.start(environment)));
      few.push(...joined);
      agents.push(...joined);
      await eventually(async () => (await shared()) === `${few.length}/${few.length}`, 60_000);
    };
    const shared = async () => (await summary('calls', 'pair')).summary;
    const total = async (name: string) => {
      const metrics = await Promise.all(extra.map((operator) => operator.metrics()));
      return metrics.reduce((sum, text) => sum + series(text, name), 0);
    };
    await apply('calls', 3, 'pair');
    // Connections go to the two in turn: that of the first report of an agent that is alone is not where its stream is.
    await join(1);
    expect(await total('fuseboard_reports_total{result="unknown"}')).toBeGreaterThan(0);
    await join(3);

    await Promise.all(few.map((agent) => agent.call('calls', ...Array<'ok'>(5).fill('ok'))));
    await eventually(async () => expect(await total('fuseboard_calls_total')).toBe(20), 60_000);

    const [gone, stays] = extra as [OperatorProcess, OperatorProcess];
    const counted = async (operator: OperatorProcess) => series(await operator.metrics(), 'fuseboard_calls_total');
    const before = await counted(gone);
    pair.targets = [stays.agentsPort];
    await gone.end();
    await Promise.all(few.map((agent) => agent.call('calls', ...Array<'ok'>(5).fill('ok'))));
    await eventually(async () => expect(before + (await counted(stays))).toBe(40), 60_000);
    await eventually(async () => (await shared()) === '4/4', 60_000);
  }, 300_000);
});

const adminUrl = ({ adminPort }: OperatorProcess) => `http://127.0.0.1:${adminPort}`;

/** What a command prints about replicas, whose URLs are separated by commas, on both outputs. */
async function ask(server: string, ...args: string[]): Promise<string> {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })];
  const construct = () => Promise.reject(new Error('no operator is started here'));
  const unused = () => {
    throw new Error('no cluster is asked here');
  };
  const adapters = { construct, reach: () => new StandaloneTarget(server.split(',')), connect: unused };
  expect(await program({ args, out, err } as unknown as Terminal, async () => adapters)).toBe(0);
  return `${args.includes('json') ? '' : (err.read() ?? '')}${out.read() ?? ''}`;
}

/** Without ages, which differ from one moment to the next, and the width of their columns. */
const timeless = (text: string) => text.replace(/\d+[sm]\b( ago)?/g, 'AGE').replace(/ +/g, ' ');

/** The sum of the series whose line begins so. */
function series(metrics: string, begin: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith(begin));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
