import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../examples/offer-demo/address.ts';
import { type Cluster, type PolicyRule, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { Relay } from './cluster/relay.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

let cluster: Cluster;
let operator: OperatorProcess;
let agents: AgentProcess[] = [];

const agent = async (environment: Record<string, string> = {}) => {
  const started = await AgentProcess.start({
    FUSEBOARD_URL: operator.url,
    FUSEBOARD_SERVICE: 'checkout',
    ...environment,
  });
  agents.push(started);
  return started;
};
const apply = (name: string, consecutiveFailures: number) =>
  cluster.apply(
    policy('default', name, { breakers: [name], trip: { consecutiveFailures }, recovery: { openDuration: '10m' } }),
  );
const remove = (name: string) => cluster.kubectl('delete', 'cbp', name);
const threshold = async (one: AgentProcess, name: string): Promise<number | undefined> =>
  ((await one.stats(name)).policy?.spec as { trip?: { consecutiveFailures?: number } } | undefined)?.trip
    ?.consecutiveFailures;
const runs = (one: AgentProcess, name: string, failures: number | undefined, withinMs = 40_000) =>
  eventually(async () => (await threshold(one, name)) === failures, withinMs);
const decides = async (one: AgentProcess, name: string, failures: number) =>
  expect(await one.call(name, 'ok', ...Array<'fail'>(failures + 1).fill('fail'))).toEqual([
    'passed',
    ...Array(failures).fill('failed'),
    'rejected',
  ]);

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
}, 600_000);

afterEach(async () => {
  await Promise.all(agents.map((one) => one.end()));
  agents = [];
});

afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

describe('calls are decided, and everything agrees again afterwards, when', () => {
  it('the operator is killed and started again', async () => {
    await apply('killed', 3);
    const one = await agent();
    await runs(one, 'killed', 3);
    await operator.end('SIGKILL');
    await decides(one, 'killed', 3);
    await apply('killed', 4);
    operator.launch();
    await operator.ready();
    await runs(one, 'killed', 4);
    await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/killed', '--timeout=60s');
    expect((await one.stats('killed')).state).toBe('open');
  }, 120_000);

  it('the API server is killed and started again', async () => {
    await apply('server', 2);
    const one = await agent();
    await runs(one, 'server', 2);
    await cluster.stopApiServer('SIGKILL');
    await decides(one, 'server', 2);
    const late = await agent();
    await runs(late, 'server', 2);
    await cluster.startApiServer();
    await apply('server', 5);
    await runs(one, 'server', 5);
    await runs(late, 'server', 5);
  }, 120_000);

  it('an agent starts while nothing is up and has a cache file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-cache-'));
    try {
      await apply('cached', 2);
      const first = await agent({ FUSEBOARD_CACHE_DIR: folder });
      await runs(first, 'cached', 2);
      await eventually(async () => (await readdir(folder)).some((name) => name.endsWith('.json')));
      await first.end(true);
      await operator.end('SIGKILL');

      const second = await agent({ FUSEBOARD_CACHE_DIR: folder });
      await decides(second, 'cached', 2);
      expect(second.beganWith).toBe('LastGood');
      expect((await second.link()).state).toBe('LastGood');

      await apply('cached', 3);
      operator.launch();
      await operator.ready();
      await runs(second, 'cached', 3);
      expect((await second.link()).state).toBe('Live');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 120_000);

  it('an agent starts with nothing at all', async () => {
    const port = await freePort();
    const alone = await agent({ FUSEBOARD_URL: `http://127.0.0.1:${port}` });
    expect(await alone.call('anything', 'ok', 'fail', 'fail', 'ok')).toEqual(['passed', 'failed', 'failed', 'passed']);
    expect((await alone.stats('anything')).totals).toMatchObject({ succeeded: 2, failed: 2 });
    expect((await alone.link()).state).toBe('Defaults');
  });
});

/** What an operator may do, and nothing else. */
const OPERATOR: PolicyRule[] = [
  { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['fuseboard.dev'], resources: ['circuitbreakerpolicies/status'], verbs: ['update'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
];

describe('an operator with just its own rights, over a wire that fails:', () => {
  it('the watch is cut, then the list is forbidden: agents keep what they have, and agree again afterwards', async () => {
    const account = await cluster.serviceAccount('fuseboard', 'operator', OPERATOR, { everywhere: true });
    const relay = await new Relay(Number(new URL(cluster.url).port)).start();
    const kubeconfig = join(cluster.folder, 'relayed.kubeconfig');
    const relayed = (await readFile(account.kubeconfig, 'utf8')).replaceAll(
      cluster.url,
      `https://127.0.0.1:${relay.port}`,
    );
    await writeFile(kubeconfig, relayed);
    const limited = await OperatorProcess.start(`--kubeconfig=${kubeconfig}`);
    try {
      await apply('wire', 2);
      const one = await agent({ FUSEBOARD_URL: limited.url });
      await runs(one, 'wire', 2);
      relay.cut();
      await apply('wire', 3);
      await runs(one, 'wire', 3);

      const binding = JSON.parse(
        await cluster.kubectl('get', 'clusterrolebinding', 'fuseboard-operator', '-o', 'json'),
      );
      await cluster.kubectl('delete', 'clusterrolebinding', 'fuseboard-operator');
      relay.cut();
      const outage = await eventually(
        async () => (await limited.admin<{ outage?: string }>('/v1/source')).outage ?? false,
        60_000,
      );
      expect(outage).toMatch(/403|forbidden|not allowed/i);
      await decides(one, 'wire', 3);
      const late = await agent({ FUSEBOARD_URL: limited.url });
      await runs(late, 'wire', 3);

      delete binding.metadata.resourceVersion;
      delete binding.metadata.uid;
      await cluster.kubectl('apply', '-f', '-', { input: JSON.stringify(binding) });
      await apply('wire', 4);
      await runs(one, 'wire', 4, 60_000);
      await runs(late, 'wire', 4);
      await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/wire', '--timeout=60s');
    } finally {
      await limited.end();
      await relay.stop();
    }
  }, 180_000);
});

describe('an outage is never an empty set:', () => {
  it('the CRD is deleted, and agents keep what they have until it is back', async () => {
    await apply('crd', 3);
    const one = await agent();
    await runs(one, 'crd', 3);
    await cluster.kubectl('delete', 'crd', 'circuitbreakerpolicies.fuseboard.dev', '--timeout=60s');
    await eventually(
      async () => (await operator.admin<{ outage?: string }>('/v1/source')).outage !== undefined,
      60_000,
    );
    await decides(one, 'crd', 3);
    const late = await agent();
    await runs(late, 'crd', 3);
    await cluster.applyCrds();
    await apply('crd', 6);
    await runs(one, 'crd', 6, 60_000);
    await runs(late, 'crd', 6);
  }, 180_000);

  it('a policy that is really deleted goes from every agent, also from one that was offline meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-cache-'));
    try {
      await apply('gone', 2);
      const [online, offline] = [await agent(), await agent({ FUSEBOARD_CACHE_DIR: folder })];
      await runs(online, 'gone', 2);
      await runs(offline, 'gone', 2);
      await eventually(async () => (await readdir(folder)).some((name) => name.endsWith('.json')));
      await offline.end();
      await remove('gone');
      await runs(online, 'gone', undefined);
      const back = await agent({ FUSEBOARD_CACHE_DIR: folder });
      expect(back.beganWith).toBe('LastGood');
      await runs(back, 'gone', undefined);
      await eventually(async () => (await back.link()).state === 'Live');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

describe('a folder of policies', () => {
  it('that vanishes leaves agents with what they have, and really deleted files go', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-policies-'));
    const file = (name: string, failures: number) =>
      writeFile(
        join(folder, `${name}.yaml`),
        `apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: ${name} }\nspec: { breakers: [${name}], trip: { consecutiveFailures: ${failures} } }\n`,
      );
    await file('kept', 2);
    await file('dropped', 2);
    const standalone = await OperatorProcess.start(`--policies=${folder}`);
    try {
      const one = await agent({ FUSEBOARD_URL: standalone.url });
      await runs(one, 'kept', 2);
      await rm(join(folder, 'dropped.yaml'));
      await runs(one, 'dropped', undefined);
      await rm(folder, { recursive: true });
      await eventually(
        async () => (await standalone.admin<{ outage?: string }>('/v1/source')).outage !== undefined,
        60_000,
      );
      await decides(one, 'kept', 2);
      expect(await threshold(one, 'kept')).toBe(2);
    } finally {
      await standalone.end();
      await rm(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
