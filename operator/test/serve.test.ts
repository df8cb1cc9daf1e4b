import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { unauthenticated } from '../src/auth/unauthenticated.ts';
import { readConfig } from '../src/config/config.ts';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import type { Policy } from '../src/core/policy/policy.ts';
import { AuthError, type Authenticator, bearerToken } from '../src/ports/authenticator.ts';
import { noOpStatusSink } from '../src/ports/no-op-status-sink.ts';
import { type Serving, serve } from '../src/serve.ts';
import { EventClient } from './event-client.ts';
import { FLAGS, localAdapters, ready } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';
import { until } from './until.ts';

const BOOT = 'a'.repeat(32);

let source: MemorySource;
let serving: Serving;
let clients: EventClient[];
let lines: Record<string, unknown>[];
let events: string[];

async function begin(
  flags: Record<string, string> = {},
  authenticator: Authenticator = unauthenticated,
): Promise<void> {
  source = new MemorySource();
  lines = [];
  events = [];
  const sink = { ...noOpStatusSink, event: (_: Policy, { reason }: { reason: string }) => void events.push(reason) };
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const parts = { ...(await localAdapters(log)), source, sink, authenticator };
  serving = await serve(readConfig({ ...FLAGS, ...flags }), parts, log);
}

beforeEach(async () => {
  clients = [];
  await begin();
});

afterEach(async () => {
  for (const client of clients) client.close();
  await serving.stop(0);
});

async function open(query: Record<string, string> = {}, lastEventId?: string) {
  const search = new URLSearchParams({ service: 's', instance: 'pod-1', boot: BOOT, ...query });
  const client = await EventClient.open(
    `${serving.agentsUrl}/v1/stream?${search}`,
    lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  );
  clients.push(client);
  return client;
}

/** Stores policies and waits until agents can be served with them. */
async function known(policies: Policy[], resourceVersion?: string): Promise<void> {
  source.set(policies, resourceVersion);
  await ready(serving.metricsUrl);
}

const commit = (client: EventClient, from = 0) => client.until(({ event }) => event === 'commit', from);

const report = (over: object = {}, query = 'namespace=default', init: RequestInit = {}) =>
  fetch(`${serving.agentsUrl}/v1/report?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      protocol: 1,
      service: 's',
      instance: 'pod-1',
      boot: BOOT,
      sequence: 1,
      part: 1,
      parts: 1,
      rejections: [],
      breakers: [],
      ...over,
    }),
    ...init,
  });

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
const admin = async (path: string): Promise<any> => (await fetch(`${serving.adminUrl}${path}`)).json();

describe('a stream', () => {
  it('is refused until policies were read once, and the agent is told when to retry', async () => {
    const refused = await open();
    expect(refused.status).toBe(503);
    expect(Number(refused.header('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await fetch(`${serving.metricsUrl}/readyz`)).status).toBe(503);
    expect((await fetch(`${serving.metricsUrl}/livez`)).status).toBe(200);
  });

  it('begins with hello and a snapshot that ends in a commit whose id is the revision', async () => {
    await known([policy('payments')], '7');
    const client = await open();
    const { id, data } = await commit(client);
    expect(id).toBe(data.revision);
    expect(client.events.map(({ event }) => event)).toEqual(['hello', 'begin', 'policy', 'routes', 'commit']);
    expect(client.events[0]!.data).toEqual({ protocol: 1, heartbeatMs: 15_000 });
    expect(client.events[1]!.data).toMatchObject({ kind: 'snapshot', revision: id, asOf: { policies: '7' } });
    expect(client.events[2]!.data).toEqual({
      uid: 'uid-payments',
      generation: 1,
      name: 'payments',
      spec: { breakers: ['payments'], trip: { consecutiveFailures: 3 } },
    });
    expect(client.events[3]!.data).toEqual([['payments', 'uid-payments']]);
  });

  it('sends an empty set too', async () => {
    await known([]);
    const client = await open();
    await commit(client);
    expect(client.events.find(({ event }) => event === 'routes')!.data).toEqual([]);
  });

  it('sends what changed as a patch on what it wrote last', async () => {
    await known([policy('payments'), policy('search')]);
    const client = await open();
    const first = await commit(client);
    const from = client.events.length;
    source.set([policy('payments', { generation: 2, spec: { breakers: ['payments'] } })]);
    const second = await commit(client, from);
    expect(client.events.slice(from)).toMatchObject([
      { event: 'begin', data: { kind: 'patch', base: first.id, revision: second.id } },
      { event: 'policy', data: { uid: 'uid-payments', generation: 2 } },
      { event: 'remove', data: { uid: 'uid-search' } },
      { event: 'routes', data: [['payments', 'uid-payments']] },
      { event: 'commit' },
    ]);
  });

  it('sends no policy to an agent that has them, and a patch to one that lacks the newest', async () => {
    await known([policy('payments')]);
    const { id } = await commit(await open());
    const same = await open({}, id);
    await same.until(({ event }) => event === 'insync');
    expect(same.events.map(({ event }) => event)).toEqual(['hello', 'insync']);
    source.set([policy('payments'), policy('search')]);
    await commit(same);
    const late = await open({}, id);
    await commit(late);
    expect(late.events[1]!.data).toMatchObject({ kind: 'patch', base: id });
  });

  it('sends a snapshot to an agent with a revision that was never sent to it', async () => {
    await known([policy('payments')]);
    const client = await open({}, 'unknown');
    await commit(client);
    expect(client.events[1]!.data.kind).toBe('snapshot');
    expect(client.events[1]!.data.base).toBeUndefined();
  });

  it('replaces the stream that the same process had before', async () => {
    await known([policy('payments')]);
    const before = await open();
    await commit(before);
    const after = await open();
    await before.untilEnd();
    source.set([policy('payments', { generation: 2 })]);
    await after.until(({ event, data }) => event === 'policy' && data.generation === 2);
  });

  it('carries only what is for the namespace and labels of the agent', async () => {
    const selector = { matchLabels: { app: 'checkout' } };
    await known([policy('mine', { spec: { breakers: ['a'], selector } }), policy('theirs', { namespace: 'bank' })]);
    const names = async (query: Record<string, string>) => {
      const client = await open(query);
      await commit(client);
      return client.events.filter(({ event }) => event === 'policy').map(({ data }) => data.name);
    };
    expect(await names({ labels: 'app=checkout' })).toEqual(['mine']);
    expect(await names({ boot: 'b'.repeat(32) })).toEqual([]);
    expect(await names({ boot: 'c'.repeat(32), namespace: 'bank' })).toEqual(['theirs']);
  });

  it('makes one push of changes that come close together', async () => {
    await known([policy('payments')]);
    const client = await open();
    await commit(client);
    const from = client.events.length;
    for (const generation of [2, 3, 4]) source.set([policy('payments', { generation })]);
    await commit(client, from);
    const generations = client.events
      .slice(from)
      .flatMap(({ event, data }) => (event === 'policy' ? data.generation : []));
    expect(generations).toEqual([4]);
  });

  it.each([
    [{ boot: 'short' }, /boot/],
    [{ labels: 'nonsense' }, /labels: "nonsense" is not of the form key=value/],
    [{ since: 'x' }, /since/],
    [{ namespace: 'Not Good' }, /namespace/],
    [{ protocol: '9' }, /speaks 1, not 9/],
  ])('is refused with the field named for %j', async (query, message) => {
    await known([]);
    const search = new URLSearchParams({ service: 's', instance: 'i', boot: BOOT, ...(query as object) });
    const response = await fetch(`${serving.agentsUrl}/v1/stream?${search}`);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toMatch(message);
  });
});

describe('a stream of an agent that has seen more than this replica', () => {
  it('begins when the replica has caught up', async () => {
    await known([policy('payments')], '10');
    source.stored = { policies: [policy('payments', { generation: 2 })], resourceVersion: '20' };
    const client = await open({ since: 'policies=20' });
    await commit(client);
    expect(client.events[1]!.data).toMatchObject({ asOf: { policies: '20' } });
    expect(client.events[1]!.data.reset).toBeUndefined();
    expect(client.events[2]!.data.generation).toBe(2);
  });

  it('is refused at first, and voids its floors when even consistent lists stay older, though the revision is the same', async () => {
    await known([policy('payments')], '10');
    const { id } = await commit(await open());
    const refused = await open({ since: 'policies=20' }, id);
    expect(refused.status).toBe(503);
    expect(refused.header('retry-after')).toBeDefined();
    let client = refused;
    await until(async () => {
      client = await open({ since: 'policies=20' }, id);
      return client.status === 200;
    });
    await commit(client);
    expect(client.events[1]!.data).toMatchObject({ kind: 'snapshot', reset: true });
    expect(client.events.some(({ event }) => event === 'policy')).toBe(true);
  });

  it('is refused while the store cannot be read', async () => {
    await known([policy('payments')], '10');
    source.unreadable = 'connection refused';
    const client = await open({ since: 'policies=9999999999999999999' });
    expect(client.status).toBe(503);
    expect(client.header('retry-after')).toBeDefined();
  });

  it('is told of the version of its own namespace, where each is read by itself, and may not be behind that', async () => {
    const versions = (own: string) =>
      new Map([
        ['default', own],
        ['quiet', '5'],
      ]);
    source.stored = {
      policies: [policy('payments', { generation: 2 })],
      resourceVersion: '5',
      resourceVersionIn: versions('20'),
    };
    source.notify();
    await ready(serving.metricsUrl);
    const first = await open();
    await commit(first);
    expect(first.events[1]!.data).toMatchObject({ asOf: { policies: '20' } });
    const from = first.events.length;
    source.stored = {
      policies: [policy('payments', { generation: 3 })],
      resourceVersion: '5',
      resourceVersionIn: versions('30'),
    };
    source.notify();
    await commit(first, from);
    expect(first.events.slice(from).find(({ event }) => event === 'begin')!.data).toMatchObject({
      asOf: { policies: '30' },
    });
    source.stored = {
      policies: [policy('payments', { generation: 4 })],
      resourceVersion: '5',
      resourceVersionIn: versions('40'),
    };
    const ahead = await open({ since: 'policies=40' });
    await commit(ahead);
    expect(source.refreshes).toBe(1);
    expect(ahead.events[1]!.data.reset).toBeUndefined();
    expect(ahead.events[2]!.data.generation).toBe(4);
  });

  it('does not ask the store when it has seen no more', async () => {
    await known([policy('payments')], '10');
    await commit(await open({ since: 'policies=9' }));
    expect(source.refreshes).toBe(0);
  });
});

describe('a storm of agents', () => {
  it('is met by refusing newcomers, and nobody who is connected is sent away', async () => {
    await serving.stop(0);
    await begin({ maxStreamsPerSecond: '2' });
    await known([policy('payments')]);
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => open({ boot: `${n}`.repeat(32) })));
    const taken = all.filter(({ status }) => status === 200);
    expect(taken.length).toBeLessThan(all.length);
    source.set([policy('payments', { generation: 2 })]);
    for (const client of taken) await client.until(({ event, data }) => event === 'policy' && data.generation === 2);
  });
});

describe('a report', () => {
  it('makes the policy Programmed, and is answered alike when it comes twice', async () => {
    await known([policy('payments')]);
    const { id } = await commit(await open());
    expect((await admin('/v1/policies/default/payments')).hold).toBe(false);
    expect((await report({ revision: id })).status).toBe(204);
    expect((await report({ revision: id })).status).toBe(204);
    await until(async () => (await admin('/v1/policies')).items[0].programmed === 'True');
    expect((await admin('/v1/policies')).items[0]).toMatchObject({ applied: '1/1', accepted: 'True' });
    expect(events).toEqual(['Accepted', 'Programmed']);
    expect(lines.find(({ msg }) => msg === 'policy programmed')).toMatchObject({ policy: 'payments', agents: 1 });
  });

  it('of an open breaker makes the policy unhealthy, and is an Event and a line in the log', async () => {
    await known([policy('payments')]);
    const { id } = await commit(await open());
    const totals = { ...NO_TOTALS, succeeded: 1, failed: 3, rejected: 2 };
    const transitions = [{ from: 'closed', to: 'open', agoMs: 4, reason: 'consecutiveFailures' }];
    const breaker = {
      name: 'payments',
      uid: 'uid-payments',
      state: 'open',
      since: 4,
      totals,
      latency: [1, 0, 3],
      transitions,
    };
    await report({ revision: id, breakers: [breaker] });
    await until(async () => (await admin('/v1/policies')).items[0].healthy === 'False');
    expect(events).toContain('BreakerOpened');
    expect(lines.find(({ msg }) => msg === 'breaker opened')).toMatchObject({ breaker: 'payments', agent: 'pod-1' });
    const metrics = await (await fetch(`${serving.metricsUrl}/metrics`)).text();
    expect(metrics).toContain(
      'fuseboard_calls_total{namespace="default",policy="payments",breaker="payments",outcome="failed"} 3',
    );
    expect(metrics).toContain('leader_election_master_status{name="fuseboard"} 1');
    expect(metrics).toContain(
      'fuseboard_breakers{namespace="default",policy="payments",breaker="payments",state="open"} 1',
    );
    const durations = [...metrics.matchAll(/^fuseboard_call_duration_seconds_bucket\{.*le="(.*)"\} (\d+)$/gm)];
    expect(durations).toHaveLength(20);
    expect(durations.slice(0, 3).map(([, le, calls]) => `${le} ${calls}`)).toEqual([
      '0.000125 1',
      '0.00025 1',
      '0.0005 4',
    ]);
    expect(durations.at(-1)!.slice(1)).toEqual(['+Inf', '4']);
    expect(metrics).not.toContain('pod-1');
  });

  it('of an agent without a stream here is answered with 421', async () => {
    await known([]);
    expect((await report()).status).toBe(421);
    await commit(await open());
    expect((await report()).status).toBe(204);
    expect((await report({}, 'namespace=bank')).status).toBe(421);
  });

  it.each<[string, RequestInit, number, RegExp]>([
    ['is no JSON', { body: '{' }, 400, /JSON/],
    ['has a wrong field', { body: JSON.stringify({ protocol: 1, service: 7 }) }, 400, /^service: /],
    ['is not said to be JSON', { headers: { 'content-type': 'text/plain' } }, 415, /application\/json/],
    ['is too large', { body: JSON.stringify({ pad: 'x'.repeat(66_000) }) }, 413, /limit/],
    [
      'is packed',
      {
        body: gzipSync(JSON.stringify({ protocol: 1 })),
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      },
      415,
      /^content-encoding: is not accepted/,
    ],
  ])('that %s is refused', async (_what, init, status, message) => {
    await known([]);
    const response = await report({}, '', init);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(message);
  });
});

describe('the admin API', () => {
  it('explains which policy governs', async () => {
    await known([policy('a', { spec: { breakers: ['pay*'] } }), policy('b', { spec: { breakers: ['payments'] } })]);
    expect(await admin('/v1/explain?breaker=payments')).toMatchObject({ winner: 'b', namespace: 'default' });
    expect(await admin('/v1/explain?breaker=payments&labels=x')).toEqual({
      error: 'labels: "x" is not of the form key=value',
    });
    expect(await admin('/v1/explain')).toEqual({ error: 'breaker: must be given once, and not empty' });
  });

  it('tells of agents and of the source', async () => {
    await known([policy('a')], '5');
    await commit(await open());
    expect(await admin('/v1/agents')).toMatchObject({ total: 1, items: [{ instance: 'pod-1', connected: true }] });
    expect(await admin('/v1/source')).toMatchObject({ synced: true, asOf: '5', policies: 1 });
    expect(await admin('/v1/policies/default/none')).toEqual({
      error: 'there is no policy "none" in namespace "default"',
    });
  });
});

describe('the end', () => {
  it('is unready at once, sends agents away and takes no more', async () => {
    await known([policy('a')]);
    const client = await open();
    await commit(client);
    const stopped = serving.stop(25_000);
    const { data } = await client.until(({ event }) => event === 'goaway');
    expect(data.reconnectAfterMs).toBeGreaterThanOrEqual(0);
    await client.untilEnd();
    await stopped;
    await expect(fetch(serving.agentsUrl)).rejects.toThrow();
  });

  it('continues serving for the delay, unready, and ends the connection of each answer', async () => {
    await serving.stop(0);
    await begin({ shutdownDelay: '1s' });
    await known([policy('a')]);
    expect((await fetch(`${serving.metricsUrl}/livez`)).headers.get('connection')).toBe('keep-alive');
    const stopped = serving.stop(25_000);
    const ready = await fetch(`${serving.metricsUrl}/readyz`);
    expect([ready.status, ready.headers.get('connection')]).toEqual([503, 'close']);
    const client = await open();
    await commit(client);
    await client.until(({ event }) => event === 'goaway');
    await stopped;
    await expect(fetch(serving.agentsUrl)).rejects.toThrow();
  });
});

it('continues serving after the delay as long as somebody opens connections, and then ends', async () => {
  await serving.stop(0);
  await begin({ shutdownDelay: '500ms' });
  await known([policy('a')]);
  const stopped = serving.stop(25_000).then(() => 'stopped');
  const began = performance.now();
  // Each connection comes before half of the delay without one is over.
  while (performance.now() - began < 1_500) {
    expect((await fetch(`${serving.agentsUrl}/nothing`)).status).toBe(404);
    await delay(50);
  }
  expect(await stopped).toBe('stopped');
  await expect(fetch(serving.agentsUrl)).rejects.toThrow();
});

it('ends although somebody opens connections all the time, within the time for draining', async () => {
  await serving.stop(0);
  await begin({ shutdownDelay: '500ms' });
  await known([policy('a')]);
  let answered = 0;
  const stopped = serving.stop(1_000).then(() => 'stopped');
  const visits = setInterval(
    () =>
      void fetch(`${serving.agentsUrl}/nothing`).then(
        () => (answered += 1),
        () => {},
      ),
    20,
  );
  try {
    expect(await stopped).toBe('stopped');
    expect(answered).toBeGreaterThan(0);
  } finally {
    clearInterval(visits);
  }
});

it('names the port that is taken and the flag that chooses another', async () => {
  const port = new URL(serving.adminUrl).port;
  const config = readConfig({ ...FLAGS, adminPort: port });
  const log = pino({ level: 'silent' });
  const parts = { ...(await localAdapters(log)), source: new MemorySource() };
  await expect(serve(config, parts, log)).rejects.toThrow(
    `cannot listen for the admin API: port ${port} on 127.0.0.1 is taken; end what uses it or choose another with --admin-port`,
  );
});

it('answers 431 to an address of more than 16 KiB, on every port', async () => {
  for (const url of [serving.agentsUrl, serving.adminUrl, serving.metricsUrl]) {
    expect((await fetch(`${url}/?${'x'.repeat(17_000)}`)).status).toBe(431);
  }
});

it('names its metrics as Prometheus asks: counters end in _total, nothing else does, and each has a help text', async () => {
  await known([policy('payments')]);
  const { id } = await commit(await open());
  await report({ revision: id });
  const text = await (await fetch(`${serving.metricsUrl}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name!, type: type! }));
  expect(types.length).toBeGreaterThan(20);
  for (const { name, type } of types) {
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
  }
});

describe('agents that prove who they are', () => {
  const pods: Authenticator = {
    method: 'token-review',
    async identify({ authorization }) {
      const uid = bearerToken(authorization);
      if (uid === 'stranger') throw new AuthError('bad-token', 'nobody knows it');
      if (uid === 'outage') throw new AuthError('unavailable', 'nobody can tell');
      if (uid === 'account') return { namespace: 'shop' };
      const expiresAt = uid === 'expiring' ? Date.now() : undefined;
      return { namespace: 'shop', pod: { name: uid, uid }, ...(expiresAt !== undefined && { expiresAt }) };
    },
    labels: async ({ pod }, claimed) => (pod ? { app: 'web' } : claimed),
  };
  const url = (query: Record<string, string> = {}) =>
    `${serving.agentsUrl}/v1/stream?${new URLSearchParams({ service: 's', instance: 'i', boot: BOOT, ...query })}`;
  const openStream = async (token: string, query: Record<string, string> = {}) => {
    const client = await EventClient.open(url(query), { authorization: `Bearer ${token}` });
    clients.push(client);
    return client;
  };
  const as = (token: string) => ({
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  });

  beforeEach(async () => {
    await serving.stop(0);
    await begin({ agentAuth: 'token-review', maxStreamsPerPod: '2', maxReportsPerPod: '3' }, pods);
    await known([policy('payments')]);
  });

  it('are said to send their tokens in plain text where there is no TLS', () => {
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('send their tokens in plain text'));
  });

  it('leave in the metrics names, states and counts, and nothing of specs, tokens or errors', async () => {
    const fallback = { type: 'Static' as const, static: { value: 'value-of-a-spec' } };
    await known([policy('payments', { namespace: 'shop', spec: { breakers: ['payments'], fallback } })]);
    const client = await openStream('token-of-an-agent');
    await client.until(({ event }) => event === 'policy');
    const { id: revision } = await commit(client, client.events.length - 1);
    const lastError = { name: 'Error', message: 'text-of-an-error' };
    const breaker = { name: 'payments', uid: 'uid-payments', state: 'open', since: 0, lastError, totals: NO_TOTALS };
    expect((await report({ revision, breakers: [breaker] }, '', as('token-of-an-agent'))).status).toBe(204);
    const text = await (await fetch(`${serving.metricsUrl}/metrics`)).text();
    expect(text).toMatch(/^fuseboard_breakers\{[^}]*policy="payments"[^}]*state="open"[^}]*\} 1$/m);
    const secrets = ['value-of-a-spec', 'token-of-an-agent', 'text-of-an-error'];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });

  it('are listed under what was proved, whatever they say', async () => {
    await commit(await openStream('p1', { namespace: 'bank', labels: 'app=forged' }));
    const { items } = await admin('/v1/agents');
    expect(items).toMatchObject([{ namespace: 'shop', pod: 'p1', labels: { app: 'web' } }]);
  });

  it('have the labels that they claim where their token is bound to no pod', async () => {
    await commit(await openStream('account', { labels: 'app=batch' }));
    const { items } = await admin('/v1/agents');
    expect(items).toMatchObject([{ namespace: 'shop', labels: { app: 'batch' } }]);
    expect((await openStream('account', { labels: 'no label' })).status).toBe(400);
    expect((await openStream('p1', { labels: 'no label' })).status).toBe(200);
  });

  it('names an agent by the pod of its token, whatever it calls itself', async () => {
    await commit(await openStream('p1', { instance: 'payments-7f9/1/0' }));
    await commit(await openStream('p2', { instance: 'p2/1/0' }));
    const { items } = await admin('/v1/agents');
    expect(items.map(({ instance }: { instance: string }) => instance).sort()).toEqual([
      'p1/payments-7f9/1/0',
      'p2/1/0',
    ]);
  });

  it('cannot report for a process of another pod', async () => {
    await commit(await openStream('p1'));
    expect((await report({}, 'namespace=shop', as('p2'))).status).toBe(421);
    expect((await report({}, 'namespace=bank', as('p1'))).status).toBe(204);
  });

  it('are refused by 401 without a token, and by 503 when nobody can tell, with one line each and no token in it', async () => {
    const bare = await EventClient.open(url());
    const statuses = [
      bare.status,
      (await openStream('stranger', { namespace: 'bank' })).status,
      (await openStream('outage')).status,
    ];
    expect(statuses).toEqual([401, 401, 503]);
    expect(bare.header('www-authenticate')).toMatch(/^Bearer/);
    const audit = lines.filter((line) => line.audit === true);
    expect(audit.map(({ reason }) => reason)).toEqual(['no-token', 'bad-token', 'unavailable']);
    expect(audit[1]).toMatchObject({ status: 401, claims: { namespace: 'bank', service: 's' }, what: '/v1/stream' });
    expect(JSON.stringify(audit)).not.toContain('stranger');
    const metrics = await (await fetch(`${serving.metricsUrl}/metrics`)).text();
    expect(metrics).toContain('fuseboard_agents_denied_total{reason="bad-token"} 1');
  });

  it('write at most ten such lines a second and count the rest', async () => {
    await Promise.all(Array.from({ length: 60 }, () => openStream('stranger')));
    expect(lines.filter((line) => line.audit === true).length).toBeLessThan(60);
  });

  it('have as many streams as a pod may have', async () => {
    const first = await openStream('p1', { boot: 'b'.repeat(32) });
    expect((await openStream('p1')).status).toBe(200);
    expect((await openStream('p1', { boot: 'c'.repeat(32) })).status).toBe(503);
    expect((await openStream('p2')).status).toBe(200);
    first.close();
    await until(async () => (await openStream('p1', { boot: 'c'.repeat(32) })).status === 200);
  });

  it('report as often as a pod may', async () => {
    await commit(await openStream('p1'));
    await commit(await openStream('p2'));
    const statuses: number[] = [];
    while (!statuses.includes(503) && statuses.length < 1_000) {
      statuses.push((await report({ sequence: statuses.length + 1 }, '', as('p1'))).status);
    }
    expect(statuses.slice(0, 15)).toEqual(Array.from({ length: 15 }, () => 204));
    expect(statuses).toContain(503);
    expect((await report({}, '', as('p2'))).status).toBe(204);
  });

  it('are asked to reconnect when their token expires', async () => {
    const client = await openStream('expiring');
    await client.until(({ event }) => event === 'goaway');
    await client.untilEnd();
  });
});
