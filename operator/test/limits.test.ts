import { request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { type BreakerReport, MAX_GUARDED, MAX_REPORT_BYTES, type Report } from '@fuseboard/schema';
import { afterEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readConfig } from '../src/config/config.ts';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import { LIMITS, type LimitReason } from '../src/core/limits/limits.ts';
import type { Access } from '../src/ports/access.ts';
import { type Authenticator, bearerToken } from '../src/ports/authenticator.ts';
import { type Adapters, type Serving, serve } from '../src/serve.ts';
import { EventClient } from './event-client.ts';
import { FLAGS, localAdapters, ready } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';
import { until } from './until.ts';

/** A token `namespace.pod.label` of a pod with that label. */
const pods: Authenticator = {
  method: 'token-review',
  async identify({ authorization }) {
    const [namespace, name] = bearerToken(authorization).split('.') as [string, string];
    return { namespace, pod: { name, uid: bearerToken(authorization) } };
  },
  labels: async ({ pod }) => ({ app: pod!.uid.split('.')[2] ?? 'web' }),
};

const people: Access = {
  method: 'review',
  user: async (authorization) => ({ name: authorization ?? 'nobody', groups: [] }),
  check: async () => {},
};

let source: MemorySource;
let serving: Serving | undefined;
let lines: Record<string, unknown>[] = [];
const clients: EventClient[] = [];
const sockets: Socket[] = [];

async function begin(flags: Record<string, string> = {}, more: Partial<Adapters> = {}): Promise<void> {
  source = new MemorySource();
  lines = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const parts = { ...(await localAdapters(log)), source, authenticator: pods, access: people, ...more };
  serving = await serve(readConfig({ ...FLAGS, agentAuth: 'token-review', ...flags }), parts, log);
  source.set([policy('payments', { namespace: 'bank' }), policy('search', { namespace: 'bank', spec: SELECTED })], '5');
  await ready(serving!.metricsUrl);
}

const SELECTED = { selector: { matchLabels: { app: 'one' } }, breakers: ['search'], trip: { consecutiveFailures: 3 } };

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await serving?.stop(0);
  serving = undefined;
});

const TLS = join(import.meta.dirname, 'tls');
const WEBHOOK = {
  ...{ tlsCertFile: join(TLS, 'one.crt'), tlsKeyFile: join(TLS, 'one.key') },
  ...{ webhookPort: '0', webhookAgentsUrl: 'https://operator:8443', webhookCaFile: join(TLS, 'one.crt') },
};

const bootOf = (n: number) => n.toString(16).padStart(32, '0');

async function openStream(token: string, boot = 1, query: Record<string, string> = {}) {
  const search = new URLSearchParams({ protocol: '1', service: 's', instance: 'i', boot: bootOf(boot), ...query });
  const client = await EventClient.open(`${serving!.agentsUrl}/v1/stream?${search}`, {
    authorization: `Bearer ${token}`,
  });
  clients.push(client);
  return client;
}

/** Opens a stream, waits for its policies and closes it: the process stays known. */
async function visit(token: string, boot: number): Promise<number> {
  const client = await openStream(token, boot);
  if (client.status === 200) await client.until(({ event }) => event === 'commit');
  client.close();
  await client.untilEnd();
  return client.status;
}

const totals = { ...NO_TOTALS, succeeded: 1 };

const breakers = (count: number, more: Partial<BreakerReport> = {}): BreakerReport[] =>
  Array.from({ length: count }, (_, i) => ({ name: 'b', key: `k${i}`, state: 'open', since: 0, totals, ...more }));

let sequence = 0;
async function report(
  token: string,
  told: BreakerReport[] = [],
  boot = 1,
  more: Partial<Report> = {},
): Promise<number> {
  sequence += 1;
  const body = { protocol: 1, service: 's', instance: 'i', boot: bootOf(boot), sequence, part: 1, parts: 1 };
  const answer = await fetch(`${serving!.agentsUrl}/v1/report`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ ...body, rejections: [], breakers: told, ...more }),
  });
  return answer.status;
}

/** Reports breakers with so many different names. */
async function reportNames(token: string, count: number, state: BreakerReport['state'] = 'closed'): Promise<void> {
  const told = Array.from({ length: count }, (_, i) => ({ name: `n${i}`, state, since: 0, totals }));
  for (let i = 0; i < count; i += 250) expect(await report(token, told.slice(i, i + 250))).toBe(204);
}

/** Repeats something until it is refused. */
async function untilRefused(ask: (n: number) => Promise<number>): Promise<number> {
  for (let n = 1; n <= 2_000; n += 1) if ((await ask(n)) === 503) return n - 1;
  throw new Error('was never refused');
}

async function watch(person: string): Promise<number> {
  const client = await EventClient.open(`${serving!.adminUrl}/v1/watch`, { authorization: person });
  clients.push(client);
  return client.status;
}

async function hold(url: string, count: number, localAddress = '127.0.0.1'): Promise<void> {
  const { port, hostname } = new URL(url);
  for (let i = 0; i < count; i += 1) {
    const socket = connect({ port: Number(port), host: hostname, localAddress });
    sockets.push(socket);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
  }
}

/** Sends a request and reads nothing of its response; `text` has what came before `pause` of the caller. */
function send(url: string, text: string, localAddress = '127.0.0.1'): Socket & { text: string } {
  const { port, hostname: host, protocol } = new URL(url);
  const to = { port: Number(port), host, localAddress };
  const socket = protocol === 'https:' ? connectSecurely({ ...to, rejectUnauthorized: false }) : connect(to);
  const kept = Object.assign(socket, { text: '' });
  sockets.push(socket);
  socket
    .on('error', () => {})
    .on('data', (part) => {
      kept.text += part;
    });
  socket.write(text);
  return kept;
}

const head = (line: string, headers: Record<string, string | number>) =>
  [`${line} HTTP/1.1`, 'host: 127.0.0.1', ...Object.entries(headers).map((one) => one.join(': ')), '', ''].join('\r\n');

/** Sends all of a report but its end. */
const unfinishedReport = (token: string, length: number) => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': length };
  return send(serving!.agentsUrl, head('POST /v1/report', headers) + ' '.repeat(length - 1));
};

/** Sends all of a review but its end. */
const unfinishedReview = (length: number) => {
  const headers = { 'content-type': 'application/json', 'content-length': length };
  return send(serving!.webhookUrl!, head('POST /inject', headers) + ' '.repeat(length - 1), '127.0.0.2');
};

const isRefused = ({ text }: { readonly text: string }) => text.startsWith('HTTP/1.1 503');

/** The status of the response to a review of a pod. */
async function review(over: object = {}): Promise<number> {
  const object = {
    metadata: { annotations: { 'fuseboard.dev/inject': 'true' } },
    spec: { serviceAccountName: 'shop', containers: [{ name: 'a' }] },
  };
  const resource = { group: '', resource: 'pods' };
  const asked = { uid: 'u', operation: 'CREATE', namespace: 'shop', resource, object, ...over };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    secureRequest(`${serving!.webhookUrl}/inject`, options, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end(body);
  });
}

/** Has 8 MB of policies, more than the kernel takes for a connection of which nothing is read. */
async function manyPolicies(): Promise<void> {
  const policies = Array.from({ length: 500 }, (_, i) => {
    const breakers = Array.from({ length: 63 }, (_one, n) => `${'x'.repeat(250)}${n}`);
    return policy(`p${i}`, { namespace: 'bank', spec: { breakers: [`p${i}`, ...breakers] } });
  });
  source.set(policies, '6');
  await until(async () => (await (await fetch(`${serving!.adminUrl}/v1/policies`)).text()).length > 5_000_000);
}

const opened = (reason: string): BreakerReport['transitions'] =>
  Array.from({ length: 20 }, (_, i) => ({ from: 'closed', to: 'open', agoMs: i * 5_000, reason }));

/** How often a limit cut something. */
async function limited(reason: LimitReason): Promise<number> {
  const metrics = await (await fetch(`${serving!.metricsUrl}/metrics`)).text();
  return Number(new RegExp(`^fuseboard_limited_total\\{reason="${reason}"\\} (\\d+)`, 'm').exec(metrics)?.[1]);
}

/** What reaches each bound; all of it is done by one pod, or by as many as the bound needs. */
const REACHED: Record<LimitReason, () => Promise<void>> = {
  'streams-of-pod': async () => {
    await begin({ maxStreamsPerPod: '2' });
    expect(await untilRefused(async (n) => (await openStream('bank.evil', n)).status)).toBe(2);
  },
  'stream-rate-of-pod': async () => {
    await begin({ maxStreamsPerPod: '2' });
    expect(await untilRefused((n) => visit('bank.evil', n))).toBeLessThan(10);
    expect((await openStream('bank.good')).status).toBe(200);
  },
  'stream-rate': async () => {
    await begin({ maxStreamsPerSecond: '2' });
    const all = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((n) => openStream(`bank.pod-${n}`)));
    expect(all.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
    await until(async () => (await openStream('bank.late')).status === 503);
  },
  'agents-of-pod': async () => {
    await begin({ maxAgentsPerPod: '3' });
    for (let n = 1; n <= 5; n += 1) expect(await visit('bank.evil', n)).toBe(200);
    const { items } = (await (await fetch(`${serving!.adminUrl}/v1/agents`)).json()) as { items: { boot: string }[] };
    expect(items.map(({ boot }) => boot).sort()).toEqual([3, 4, 5].map(bootOf));
  },
  agents: async () => {
    await begin({ maxAgents: '9' });
    expect(await untilRefused(async (n) => (await openStream(`bank.evil-${n}`)).status)).toBe(8);
    expect((await openStream('shop.good')).status).toBe(200);
  },
  'breakers-of-agent': async () => {
    await begin({ maxReportsPerPod: '1000' });
    await openStream('bank.evil');
    for (let i = 0; i < 9; i += 1) {
      const told = breakers(250).map((one) => ({ ...one, key: `${i}-${one.key}` }));
      expect(await report('bank.evil', told)).toBe(204);
    }
  },
  'breakers-of-pod': async () => {
    await begin({ maxBreakersPerPod: '5' });
    await openStream('bank.evil');
    expect(await report('bank.evil', breakers(6))).toBe(204);
  },
  breakers: async () => {
    await begin({ maxBreakers: '40' });
    await openStream('bank.evil');
    expect(await report('bank.evil', breakers(6))).toBe(204);
  },
  timelines: async () => {
    await begin({ maxReportsPerPod: '2000' });
    await openStream('bank.evil');
    for (let i = 0; i < 10; i += 1) {
      const told = breakers(240).map(({ key, ...one }) => ({ ...one, name: `${i}-${key}` }));
      expect(await report('bank.evil', told)).toBe(204);
    }
    await openStream('shop.good');
    expect(await report('shop.good', [{ name: 'payments', state: 'open', since: 0, totals }])).toBe(204);
    const answer = await fetch(`${serving!.adminUrl}/v1/breakers/shop/payments/timeline`);
    expect(answer.status).toBe(200);
  },
  snapshots: async () => {
    await begin({ maxSnapshots: '1' });
    expect((await openStream('bank.a.web')).status).toBe(200);
    expect((await openStream('bank.b.other')).status).toBe(200);
    expect((await openStream('bank.c.one')).status).toBe(503);
  },
  'fleet-breakers-of-namespace': async () => {
    await begin({ maxReportsPerPod: '10000' });
    await openStream('bank.evil');
    await reportNames('bank.evil', LIMITS['fleet-breakers-of-namespace'].value + 1);
  },
  'fleet-breakers': async () => {
    await begin({ maxReportsPerPod: '10000', maxReportsPerSecond: '100000' });
    for (const namespace of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await openStream(`${namespace}.evil`);
      await reportNames(`${namespace}.evil`, LIMITS['fleet-breakers-of-namespace'].value);
    }
  },
  'breaker-names': async () => {
    await begin();
    await openStream('bank.evil');
    await reportNames('bank.evil', LIMITS['breaker-names'].value + 1);
  },
  'outages-of-namespace': async () => {
    await begin({ maxReportsPerPod: '10000' });
    await openStream('bank.evil');
    await reportNames('bank.evil', LIMITS['outages-of-namespace'].value + 1, 'open');
  },
  outages: async () => {
    await begin({ maxReportsPerPod: '10000' });
    for (const namespace of ['a', 'b', 'c']) {
      await openStream(`${namespace}.evil`);
      await reportNames(`${namespace}.evil`, LIMITS['outages-of-namespace'].value, 'open');
    }
  },
  'report-rate-of-pod': async () => {
    await begin({ maxReportsPerPod: '10' });
    await openStream('bank.evil');
    await openStream('bank.good');
    expect(await untilRefused(() => report('bank.evil', breakers(250)))).toBeLessThan(5);
    expect(await report('bank.good')).toBe(204);
  },
  'report-rate': async () => {
    await begin({ maxReportsPerSecond: '3' });
    for (let n = 1; n <= 6; n += 1) await openStream(`bank.pod-${n}`);
    await untilRefused((n) => report(`bank.pod-${(n % 6) + 1}`, breakers(80)));
  },
  'reports-of-pod': async () => {
    await begin({ maxStreamsPerPod: '2' });
    const asked = [1, 2, 3].map(() => unfinishedReport('bank.evil', 100));
    await until(() => asked.some(isRefused));
    expect(asked.filter(isRefused)).toHaveLength(1);
    await openStream('bank.good');
    expect(await report('bank.good')).toBe(204);
  },
  'report-bytes': async () => {
    await begin({ maxReportsPerPod: '1000' });
    const asked = Array.from({ length: 20 }, () => unfinishedReport('bank.evil', MAX_REPORT_BYTES));
    await until(() => asked.some(isRefused));
    await openStream('bank.good');
    expect(await report('bank.good', breakers(250))).toBe(204);
  },
  'guarded-of-agent': async () => {
    await begin();
    await openStream('bank.evil');
    const guarded = Array.from({ length: MAX_GUARDED }, (_, i) => ({ uid: `${i}`, by: 'minTimeout' }));
    expect(LIMITS['guarded-of-agent'].value).toBe(MAX_GUARDED);
    expect(await report('bank.evil', [], 1, { guarded })).toBe(204);
    expect(await report('bank.evil', [], 1, { guarded: [...guarded, ...guarded] })).toBe(400);
  },
  reviews: async () => {
    await begin(WEBHOOK);
    const asked = Array.from({ length: 120 }, () => unfinishedReview(2));
    await until(() => asked.some(isRefused));
    expect(await review()).toBe(200);
  },
  'review-bytes': async () => {
    await begin(WEBHOOK);
    const asked = [1, 2, 3, 4, 5].map(() => unfinishedReview(4 * 1024 * 1024));
    await until(() => asked.some(isRefused));
    expect(await review()).toBe(200);
  },
  'values-of-review': async () => {
    await begin(WEBHOOK);
    expect(await review({ object: Array(LIMITS['values-of-review'].value).fill({}) })).toBe(413);
    expect(await review()).toBe(200);
  },
  'review-log-lines': async () => {
    await begin(WEBHOOK, { clock: { now: () => 1_000 } });
    for (let i = 0; i < 25; i += 1) expect(await review()).toBe(200);
    expect(lines.filter(({ msg }) => msg === 'injected a pod').length).toBeLessThan(25);
  },
  'calls-of-report': async () => {
    await begin();
    await openStream('bank.evil');
    const told = { name: 'payments', state: 'closed', since: 0 } as const;
    expect(await report('bank.evil', [{ ...told, totals: { ...totals, succeeded: 2 ** 53 - 1 } }])).toBe(204);
    await openStream('bank.good');
    expect(await report('bank.good', [{ ...told, totals: { ...totals, succeeded: 3 } }])).toBe(204);
    const metrics = await (await fetch(`${serving!.metricsUrl}/metrics`)).text();
    expect(metrics).toMatch(/^fuseboard_calls_total\{[^}]*breaker="payments"[^}]*\} 3$/m);
  },
  'catch-ups': async () => {
    await begin({ restoreAfter: '1h' });
    const since = { since: 'policies=99999999999999999999' };
    for (let round = 1; round <= 2; round += 1) {
      const all = await Promise.all([1, 2, 3, 4, 5].map((n) => openStream(`bank.pod-${n}`, n, since)));
      expect(all.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    }
    expect(source.refreshes).toBeLessThan(5);
  },
  'log-lines-of-pod': async () => {
    await begin();
    await openStream('bank.evil');
    const before = lines.length;
    expect(await report('bank.evil', breakers(20, { transitions: opened('x') }))).toBe(204);
    expect(lines.length - before).toBeLessThan(30);
  },
  'log-lines': async () => {
    await begin();
    const before = lines.length;
    for (let n = 1; n <= 5; n += 1) {
      await openStream(`bank.pod-${n}`);
      await report(`bank.pod-${n}`, breakers(2, { transitions: opened('x') }));
    }
    expect(lines.length - before).toBeLessThan(5 * 20);
  },
  'watches-of-caller': async () => {
    await begin();
    expect(await untilRefused(() => watch('evil'))).toBe(20);
    expect(await watch('good')).toBe(200);
  },
  watches: async () => {
    await begin();
    expect(await untilRefused((n) => watch(`person-${n}`))).toBe(100);
  },
  'connections-of-address': async () => {
    await begin();
    await hold(serving!.metricsUrl, 130);
    expect((await fetch(`${serving!.metricsUrl}/livez`)).status).toBe(200);
  },
  connections: async () => {
    await begin({ maxConnections: '5' });
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) await hold(serving!.agentsUrl, 2, address);
    expect((await openStream('bank.good')).status).toBe(200);
  },
  'other-connections': async () => {
    await begin();
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) await hold(serving!.metricsUrl, 100, address);
    expect((await fetch(`${serving!.metricsUrl}/livez`)).status).toBe(200);
  },
  'unread-time': async () => {
    let late = 0;
    await begin({}, { clock: { now: () => performance.now() + late } });
    await manyPolicies();
    send(serving!.adminUrl, head('GET /v1/policies', { authorization: 'evil' })).pause();
    await until(async () => {
      late += 20_000;
      return (await limited('unread-time')) > 0;
    });
  },
  'unread-bytes': async () => {
    await begin();
    await manyPolicies();
    const headers = { authorization: 'evil' };
    for (let i = 0; i < 10; i += 1) send(serving!.adminUrl, head('GET /v1/watch', headers), '127.0.0.2').pause();
    await until(async () => (await limited('unread-bytes')) > 0);
    expect(await watch('good')).toBe(200);
  },
};

it.each(Object.keys(LIMITS) as LimitReason[])(
  'bounds %s, counts what it cuts, and says so once',
  async (reason) => {
    await REACHED[reason]();
    expect(await limited(reason)).toBeGreaterThan(0);
    expect(lines.filter((line) => line.reason === reason && String(line.msg).startsWith('limit reached'))).toHaveLength(
      1,
    );
  },
  120_000,
);

it('leaves the budget of reports to others, however many large reports of some pods arrive late', async () => {
  let now = 1_000;
  await begin({ maxReportsPerSecond: '100' }, { clock: { now: () => now } });
  await openStream('shop.good');
  const asked = Array.from({ length: 40 }, (_, i) => unfinishedReport(`bank.evil-${i}`, MAX_REPORT_BYTES));
  await until(() => asked.some(isRefused));
  for (const socket of asked) socket.write(' ');
  await until(() => asked.every(({ text }) => text !== ''));
  now += 1_000;
  expect(await report('shop.good')).toBe(204);
});
