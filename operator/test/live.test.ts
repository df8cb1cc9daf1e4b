import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readConfig } from '../src/config/config.ts';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import type { BreakerRow } from '../src/core/views/breaker-row.ts';
import { type Serving, serve } from '../src/serve.ts';
import { EventClient } from './event-client.ts';
import { FLAGS, localAdapters, ready } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';

const BOOT = 'b'.repeat(32);

let source: MemorySource;
let serving: Serving;
let clients: EventClient[];
let sequence: number;

beforeEach(async () => {
  const log = pino({ level: 'silent' });
  source = new MemorySource();
  clients = [];
  sequence = 0;
  serving = await serve(readConfig(FLAGS), { ...(await localAdapters(log)), source }, log);
  source.set([policy('payments'), policy('search', { namespace: 'other' })]);
  await ready(serving.metricsUrl);
});

afterEach(async () => {
  for (const client of clients) client.close();
  await serving.stop(0);
});

async function open(url: string) {
  const client = await EventClient.open(url);
  clients.push(client);
  return client;
}

const watch = (query = '') => open(`${serving.adminUrl}/v1/watch${query}`);

/** An agent connects and tells of `payments`. */
async function report(over: object, totals: object = {}): Promise<void> {
  if (sequence === 0) {
    const query = new URLSearchParams({
      ...{ service: 's', instance: 'pod-1', boot: BOOT, namespace: 'default' },
      ...{ language: 'python', version: '0.1.0', runtime: '3.12.1' },
    });
    const stream = await open(`${serving.agentsUrl}/v1/stream?${query}`);
    await stream.until(({ event }) => event === 'commit');
  }
  sequence += 1;
  const breaker = {
    name: 'payments',
    uid: 'uid-payments',
    state: 'closed',
    since: 0,
    totals: { ...NO_TOTALS, ...totals },
    ...over,
  };
  const whole = { protocol: 1, service: 's', instance: 'pod-1', boot: BOOT, part: 1, parts: 1, rejections: [] };
  const revision = clients
    .find((one) => one.events.some(({ event }) => event === 'commit'))!
    .events.findLast(({ event }) => event === 'commit')!.id;
  const answer = await fetch(`${serving.agentsUrl}/v1/report?namespace=default`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...whole, sequence, revision, breakers: [breaker] }),
  });
  expect(answer.status).toBe(204);
}

const get = async (path: string) =>
  (await fetch(`${serving.adminUrl}${path}`)).json() as Promise<Record<string, never>>;

describe('GET /v1/watch', () => {
  it('tells everything first, then what is different', async () => {
    const client = await watch();
    const first = await client.until(({ event }) => event === 'state');
    expect(first.data).toMatchObject({ source: { synced: true }, rows: [], overview: { rows: 0 } });
    expect(first.data.policies.map(({ name }: { name: string }) => name).sort()).toEqual(['payments', 'search']);
    await report({ state: 'open', since: 5 }, { failed: 3 });
    const next = await client.until(({ event, data }) => event === 'difference' && data.rows?.[0]?.state === 'open');
    expect(next.data.rows[0]).toMatchObject({ breaker: 'payments', uid: 'uid-payments', unwell: ['pod-1'] });
    // Another slot of time may have begun since the report.
    const samples: number[] = next.data.rows[0].samples;
    const slots = Array.from({ length: samples.length / 4 }, (_, i) => samples.slice(4 * i, 4 * i + 4));
    expect(slots).toContainEqual([3, 3, 0, 0]);
    await client.until(({ event, data }) => event === 'difference' && data.overview?.breakers.open === 1);
  });

  it('tells only what changed, and a sign of life where nothing did', async () => {
    const client = await watch();
    await report({}, { succeeded: 1 });
    await client.until(({ event, data }) => event === 'difference' && data.rows?.length === 1);
    const from = client.events.length;
    await client.until(({ event }) => event === 'heartbeat', from);
    const rows = client.events.slice(from).flatMap(({ data }) => data.rows ?? []);
    expect(rows).toEqual([]);
  });

  it('says when a policy is gone', async () => {
    const client = await watch();
    await client.until(({ event }) => event === 'state');
    source.set([policy('payments')]);
    await client.until(({ data }) => data.policiesGone?.includes('uid-search'));
  });

  it('keeps to one namespace', async () => {
    const client = await watch('?namespace=other');
    await report({ state: 'open' });
    const { data } = await client.until(({ event }) => event === 'state');
    expect(data.policies.map(({ name }: { name: string }) => name)).toEqual(['search']);
    await client.until(({ event }) => event === 'heartbeat');
    expect(client.events.flatMap((one) => one.data.rows ?? [])).toEqual([]);
  });

  it('tells the same bytes to all who watch the same', async () => {
    const [one, two] = [await watch(), await watch()];
    await report({ state: 'open' }, { failed: 3 });
    const opened = ({ data }: { data: { rows?: BreakerRow[] } }) => data.rows?.[0]?.state === 'open';
    expect(await one.until(opened)).toEqual(await two.until(opened));
  });

  it('ends when the operator goes away', async () => {
    const client = await watch();
    await client.until(({ event }) => event === 'state');
    const stopped = serving.stop(60_000);
    await client.untilEnd();
    await stopped;
  });
});

describe('the admin API', () => {
  it('lists breakers with the thresholds of their policies', async () => {
    await report({ state: 'half-open' }, { succeeded: 4, failed: 1 });
    const { items } = (await get('/v1/breakers')) as unknown as { items: (BreakerRow & { policy: string })[] };
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      ...{ policy: 'payments', state: 'half-open', window: { calls: 5, failed: 1 } },
      thresholds: { consecutiveFailures: 3, windowMs: 10_000 },
    });
  });

  it('shows the fleet at a glance', async () => {
    await report({});
    expect(await get('/v1/overview')).toMatchObject({
      breakers: { closed: 1, open: 0 },
      ...{ rows: 1, policies: { total: 2 }, agents: { connected: 1, stale: 0, rejecting: 0 } },
    });
  });

  it('says who has a policy, and what it did there', async () => {
    await report({ state: 'open' });
    const { total, items } = (await get('/v1/policies/default/payments/agents')) as unknown as {
      total: number;
      items: object[];
    };
    expect(total).toBe(1);
    expect(items[0]).toMatchObject({
      ...{ instance: 'pod-1', state: 'live', has: 'current', generation: 1 },
      breakers: [{ name: 'payments', state: 'open' }],
    });
  });

  it('says which policy governs the breakers of an agent, and why', async () => {
    await report({});
    expect(await get(`/v1/agents/default/${BOOT}`)).toMatchObject({
      instance: 'pod-1',
      breakers: [{ name: 'payments', policy: 'payments', why: [{ governs: true }] }],
    });
    expect(await get('/v1/agents/default/nobody')).toEqual({
      error: 'this replica knows no agent "nobody" in namespace "default"',
    });
  });

  it('answers no request to a name that somebody else lets lead here', async () => {
    const { port } = new URL(serving.adminUrl);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/v1/overview', headers: { host: 'evil.example' } }, resolve)
        .on('error', reject)
        .end();
    });
    answer.resume();
    expect(answer.statusCode).toBe(403);
    expect((await fetch(`http://127.0.0.1:${port}/v1/overview`)).status).toBe(200);
  });

  it('finds agents by words', async () => {
    await report({});
    expect(await get('/v1/agents?search=POD-1%20live')).toMatchObject({ total: 1 });
    expect(await get('/v1/agents?search=pod-2')).toMatchObject({ total: 0, items: [] });
    const library = { language: 'python', version: '0.1.0', runtime: '3.12.1' };
    expect(await get('/v1/agents?search=Python%200.1.0')).toMatchObject({ total: 1, items: [library] });
  });
});
