import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed, SYSTEM } from './installed.ts';
import { agedToken, makePod, openStream, podToken, tokenFile } from './pods.ts';
import { StandIn } from './stand-in.ts';

let cluster: Cluster;
let installed: Installed;
let operator: OperatorProcess;
const agents: AgentProcess[] = [];

const forPods = (namespace: string, app: string) =>
  policy(namespace, app, {
    selector: { matchLabels: { app } },
    breakers: ['payments'],
    trip: { consecutiveFailures: 3 },
  });

async function agent(pod: string, more: Record<string, string> = {}): Promise<AgentProcess> {
  const started = await AgentProcess.start({
    FUSEBOARD_URL: `https://localhost:${operator.agentsPort}`,
    FUSEBOARD_TOKEN_FILE: await tokenFile(cluster, pod, await podToken(cluster, 'shop', pod)),
    FUSEBOARD_CA_FILE: installed.file('ca.crt'),
    FUSEBOARD_SERVICE: 'checkout',
    FUSEBOARD_NAMESPACE: 'bank',
    FUSEBOARD_LABELS: 'app=forged',
    ...more,
  });
  agents.push(started);
  return started;
}
const knock = (token: string | undefined, query: Record<string, string> = {}) =>
  openStream(operator.agentsPort, installed.file('ca.crt'), token, query);
const governing = async (one: AgentProcess) => (await one.stats('payments')).policy?.name;
const live = (one: AgentProcess) => eventually(async () => (await one.link()).state === 'Live');

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster);
  for (const name of ['shop', 'bank']) await cluster.namespace(name);
  await makePod(cluster, 'shop', 'checkout-1', { app: 'web' });
  await makePod(cluster, 'shop', 'checkout-2', { app: 'web' });
  await makePod(cluster, 'bank', 'teller-1', { app: 'web' });
  await cluster.apply(forPods('shop', 'web'), forPods('shop', 'forged'), forPods('bank', 'web'));
  operator = await installed.startOperator();
}, 600_000);

afterAll(async () => {
  await Promise.all(agents.map((one) => one.end()));
  await operator?.end();
  await cluster?.stop();
});

describe("an operator with the chart's identity", () => {
  it('serves a pod over TLS what is for its namespace and labels, whatever the pod says, and writes status', async () => {
    const one = await agent('checkout-1');
    await eventually(async () => (await governing(one)) === 'web');
    await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/web', '-n', 'shop', '--timeout=20s');
    const { items } = await operator.admin<{ items: object[] }>('/v1/agents', cluster.token);
    const uid = await cluster.kubectl('get', 'pod', 'checkout-1', '-n', 'shop', '-o', 'jsonpath={.metadata.uid}');
    expect(items).toMatchObject([{ namespace: 'shop', pod: uid, labels: { app: 'web' } }]);
    await eventually(async () => /Programmed/.test(await cluster.kubectl('get', 'events', '-n', 'shop')));
  });

  it('gives a pod of another namespace nothing of this one', async () => {
    const { status, text } = await knock(await podToken(cluster, 'bank', 'teller-1'), {
      namespace: 'shop',
      labels: 'app=forged',
    });
    const uid = await cluster.kubectl('get', 'cbp', 'web', '-n', 'bank', '-o', 'jsonpath={.metadata.uid}');
    expect(status).toBe(200);
    expect([...text.matchAll(/"uid":"([^"]+)"/g)].map(([, found]) => found)).toEqual([uid]);
  });

  it.each<[string, () => Promise<string | undefined>, number, string]>([
    ['no token', async () => undefined, 401, 'no-token'],
    ['a token that nobody made', async () => 'made.up.token', 401, 'bad-token'],
    ['a token for another audience', () => podToken(cluster, 'shop', 'checkout-1', 'vault'), 401, 'bad-token'],
    [
      'a token that has expired, whose signature is right',
      async () => agedToken(cluster, await podToken(cluster, 'shop', 'checkout-1'), -60),
      401,
      'bad-token',
    ],
    [
      'the token of an account that is bound to no pod',
      async () => (await cluster.kubectl('create', 'token', 'shop', '-n', 'shop', '--audience=fuseboard')).trim(),
      403,
      'no-pod',
    ],
  ])('refuses %s, says so in its log, and leaks nothing', async (_what, token, status, reason) => {
    const shown = await token();
    const answer = await knock(shown, { namespace: 'shop' });
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('payments');
    await eventually(() => operator.log.includes(`"audit":true,"reason":"${reason}"`));
    if (shown !== undefined) expect(operator.log).not.toContain(shown);
  });

  it('ends a stream when its token expires, and serves the agent again once its file has a new one', async () => {
    const fresh = await podToken(cluster, 'shop', 'checkout-1');
    const path = await tokenFile(cluster, 'aged', await agedToken(cluster, fresh, 15));
    const one = await agent('checkout-1', { FUSEBOARD_TOKEN_FILE: path });
    await live(one);
    await eventually(async () => (await one.link()).state === 'Stale', 40_000);
    expect(await governing(one)).toBe('web');
    const refused = /refused an agent/g;
    const before = operator.log.match(refused)?.length ?? 0;
    await eventually(() => (operator.log.match(refused)?.length ?? 0) > before, 40_000);
    expect((await one.link()).state).toBe('Stale');
    await tokenFile(cluster, 'aged', fresh);
    await eventually(async () => (await one.link()).state === 'Live', 60_000);
  }, 120_000);

  it('refuses the token of a pod that was deleted, within 25 s', async () => {
    await makePod(cluster, 'shop', 'gone-1', { app: 'web' });
    const token = await podToken(cluster, 'shop', 'gone-1');
    expect((await knock(token)).status).toBe(200);
    await cluster.kubectl('delete', 'pod', 'gone-1', '-n', 'shop', '--grace-period=0', '--force');
    await eventually(async () => [401, 403].includes((await knock(token)).status), 25_000);
  }, 60_000);

  it('refuses the token of a pod whose name another pod has taken', async () => {
    await makePod(cluster, 'shop', 'again-1', { app: 'forged' });
    const token = await podToken(cluster, 'shop', 'again-1');
    expect((await knock(token)).status).toBe(200);
    await cluster.kubectl('delete', 'pod', 'again-1', '-n', 'shop', '--grace-period=0', '--force');
    await makePod(cluster, 'shop', 'again-1', { app: 'web' });
    await eventually(async () => [401, 403].includes((await knock(token)).status), 25_000);
  }, 60_000);

  it('takes up a new certificate of the same authority: open streams stay, and agents that connect notice nothing', async () => {
    const before = await installed.keepAuthority();
    const one = await agent('checkout-2', { FUSEBOARD_CA_FILE: before });
    await live(one);
    await installed.upgrade({ tls: { dnsNames: ['localhost', 'again.example'] } });
    await installed.mountCertificate();
    const token = await podToken(cluster, 'shop', 'checkout-1');
    await eventually(async () => (await knock(token)).status === 200);
    await eventually(() => operator.log.includes('the certificate was replaced'));
    expect((await openStream(operator.agentsPort, before, token)).status).toBe(200);
    expect(one.applied).toHaveLength(1);
    expect((await one.link()).state).toBe('Live');
    expect(operator.log).toContain('the certificate was replaced');
  }, 120_000);

  it('keeps the agents that it knows while tokens cannot be reviewed, and answers new ones 503', async () => {
    const one = await agent('checkout-1');
    await live(one);
    const token = await podToken(cluster, 'shop', 'checkout-2');
    await cluster.stopApiServer();
    expect((await knock(token)).status).toBe(503);
    // The last answer about its token is too old by then, and nobody can be asked for another.
    const since = performance.now();
    const counted = async () =>
      Number(/fuseboard_reports_total\{result="accepted"\} (\d+)/.exec(await operator.metrics())?.[1]);
    await eventually(() => performance.now() - since > 11_000);
    const before = await counted();
    await one.call('payments', 'ok', 'fail', 'fail', 'fail');
    await eventually(async () => (await counted()) > before);
    expect((await one.link()).state).toBe('Live');
    expect(await governing(one)).toBe('web');
    await cluster.startApiServer();
    await eventually(async () => (await knock(token)).status === 200);
  }, 60_000);

  it('passes the test of the chart, which fails where it is not reached; Helm waits for what it is told is ready', async () => {
    let url = `https://localhost:${operator.agentsPort}`;
    const here: Record<string, () => string> = {
      FUSEBOARD_URL: () => url,
      NODE_EXTRA_CA_CERTS: () => installed.file('ca.crt'),
    };
    const environment = (name: string, value: string) => here[name]?.() ?? value;
    const standIn = new StandIn({ cluster, namespace: SYSTEM, environment });
    try {
      await installed.upgradeAndWait({ log: { level: 'warn' } });
      await installed.mountCertificate();
      await eventually(async () => (await knock(undefined)).status === 401);
      expect(await installed.test()).toMatch(/Phase:\s+Succeeded/);
      expect(standIn.output.get('fuseboard-test')).toMatch(/^401 .*a token is required/);
    } finally {
      await standIn.stop();
    }
    url = 'https://localhost:1';
    const failing = new StandIn({ cluster, namespace: SYSTEM, environment });
    try {
      await expect(installed.test()).rejects.toThrow(/Failed|failed/);
    } finally {
      await failing.stop();
    }
  }, 240_000);
});

describe('an operator that watches one namespace', () => {
  it('serves it with rights in that namespace alone, and refuses pods of others by name', async () => {
    await installed.upgrade({ watchNamespaces: ['shop'] });
    await installed.mountCertificate();
    const narrow = await installed.startOperator();
    try {
      const ask = (token: string) => openStream(narrow.agentsPort, installed.file('ca.crt'), token);
      expect((await ask(await podToken(cluster, 'shop', 'checkout-1'))).status).toBe(200);
      const refused = await ask(await podToken(cluster, 'bank', 'teller-1'));
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('watches shop and not \\"bank\\"')]);
    } finally {
      await narrow.end();
    }
  }, 60_000);
});
