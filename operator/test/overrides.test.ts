import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readConfig } from '../src/config/config.ts';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import type { Access, ResourceAttributes } from '../src/ports/access.ts';
import { AuthError } from '../src/ports/authenticator.ts';
import type { Subject } from '../src/ports/status-sink.ts';
import { type Serving, serve } from '../src/serve.ts';
import type { LocalOverrides } from '../src/stores/overrides.ts';
import { EventClient } from './event-client.ts';
import { FLAGS, localAdapters, ready } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';
import { until } from './until.ts';

const BOOT = 'a'.repeat(32);
const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'the partner asked', duration: '10m' };

let source: MemorySource;
let store: LocalOverrides;
let serving: Serving;
let client: EventClient | undefined;
let lines: Record<string, unknown>[];
let written: { name: string; status: object }[];
let events: string[];
let asked: ResourceAttributes[];
let allowed: (attributes: ResourceAttributes) => boolean;

beforeEach(async () => {
  source = new MemorySource();
  lines = [];
  written = [];
  events = [];
  asked = [];
  allowed = () => true;
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const local = await localAdapters(log);
  store = local.overrides;
  store.follow(() => {
    source.overrides = store.list();
    source.notify();
  });
  const access: Access = {
    method: 'review',
    user: async (authorization) => ({ name: authorization ?? 'nobody', groups: [] }),
    check: async (_user, attributes) => {
      asked.push(attributes);
      if (!allowed(attributes)) throw new AuthError('not-watched', 'you may not');
    },
  };
  const sink = {
    write: ({ name }: Subject, status: object) => void written.push({ name, status }),
    event: ({ name }: Subject, { reason, message }: { reason: string; message: string }) =>
      void events.push(`${name} ${reason}: ${message}`),
    forget: () => {},
    stop: async () => {},
  };
  const parts = { ...local, source, sink, access };
  serving = await serve(readConfig({ ...FLAGS, overrideRetention: '50ms' }), parts, log);
  source.set([policy('payments')], '7');
  await ready(serving.metricsUrl);
});

afterEach(async () => {
  client?.close();
  client = undefined;
  await serving.stop(0);
});

const ask = (method: string, path = '', body?: unknown, type = 'application/json') =>
  fetch(`${serving.adminUrl}/v1/overrides${path}`, {
    method,
    headers: { authorization: 'ann', ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const open = async () => {
  const search = new URLSearchParams({ service: 's', instance: 'pod-1', boot: BOOT, namespace: 'default' });
  client = await EventClient.open(`${serving.agentsUrl}/v1/stream?${search}`, {});
  await client.until(({ event }) => event === 'commit');
  return client;
};
let sequence = 0;
const report = (over: object) => {
  sequence += 1;
  const common = { protocol: 1, service: 's', instance: 'pod-1', boot: BOOT, part: 1, parts: 1, rejections: [] };
  return fetch(`${serving.agentsUrl}/v1/report?namespace=default`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...common, sequence, breakers: [], ...over }),
  });
};
const made = async (body: object = SPEC) =>
  (await (await ask('POST', '/default', body)).json()) as { name: string; uid: string };
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
const listed = async (): Promise<any[]> => ((await (await ask('GET')).json()) as { items: any[] }).items;

describe('an override', () => {
  it('travels as an event of a patch, and leaves as a removal when it is taken away', async () => {
    const agent = await open();
    const { name, uid } = await made();
    const second = await agent.until(({ event }) => event === 'commit', 5);
    const [begin, event] = agent.events.slice(5);
    expect(begin!.data).toMatchObject({ kind: 'patch', revision: second.id, now: expect.any(Number) });
    expect(event).toMatchObject({
      event: 'override',
      data: { uid, name, breakers: ['payments'], action: 'ForceOpen', reason: 'the partner asked' },
    });
    expect(event!.data.expiresAt - event!.data.createdAt).toBe(600_000);
    expect((await ask('DELETE', `/default/${name}`)).status).toBe(204);
    await agent.until(({ event, data }) => event === 'remove' && data.uid === uid, 5);
  });

  it('leaves the snapshots by itself at its end, says so in its status, and goes after a while', async () => {
    const agent = await open();
    const { name, uid } = await made({ ...SPEC, duration: '300ms' });
    await agent.until(({ event }) => event === 'override');
    await agent.until(({ event, data }) => event === 'remove' && data.uid === uid);
    await until(() => written.some(({ status }) => 'phase' in status && status.phase === 'Ended'));
    await until(async () => (await listed()).length === 0);
    expect(events.filter((event) => event.startsWith(name))).toEqual([
      expect.stringMatching(/ForceOpen: ForceOpen of payments until \S+Z by ann: the partner asked$/),
      expect.stringContaining('Ended: ended at '),
    ]);
    const said = () => lines.filter(({ override }) => override === name).map(({ msg }) => msg);
    await until(() => said().includes('override removed'));
    expect(said()).toEqual(expect.arrayContaining(['override created', 'override added', 'override ended']));
  });

  it('is applied by agents that say so, whatever revision they run', async () => {
    const agent = await open();
    const { uid } = await made();
    const { id: revision } = await agent.until(({ event }) => event === 'commit', 5);
    const applied = async () => (await listed())[0].status.agents?.summary;
    await report({ revision });
    await until(async () => (await applied()) === '0/1');
    await report({ revision, overrides: [uid], breakers: [held(uid)] });
    await until(async () => (await applied()) === '1/1');
    expect((await listed())[0].status.conditions).toMatchObject([
      { type: 'Applied', status: 'True' },
      { type: 'Ready', status: 'True' },
    ]);
    const { items } = (await (await fetch(`${serving.adminUrl}/v1/agents`)).json()) as { items: object[] };
    expect(items).toMatchObject([{ breakers: [{ name: 'payments', state: 'open', override: uid }] }]);
  });

  it('is as of its own version, beside that of policies', async () => {
    source.overridesVersion = '9';
    source.notify();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const agent = await open();
    expect(agent.events[1]!.data.asOf).toEqual({ policies: '7', overrides: '9' });
  });
});

const held = (override: string) => ({
  ...{ name: 'payments', uid: 'uid-payments', state: 'open', override, since: 0, totals: NO_TOTALS },
});

describe('the admin API', () => {
  it('asks for the right to do what is done, in the namespace where it is done', async () => {
    const { name } = await made();
    await ask('GET', '?namespace=default');
    await ask('GET', `/default/${name}`);
    await ask('DELETE', `/default/${name}`);
    const resource = 'circuitbreakeroverrides';
    expect(asked).toEqual([
      { verb: 'create', resource, namespace: 'default' },
      { verb: 'list', resource, namespace: 'default' },
      { verb: 'get', resource, namespace: 'default' },
      { verb: 'delete', resource, namespace: 'default' },
    ]);
  });

  it('does nothing for one who may only view', async () => {
    const { name } = await made();
    allowed = ({ verb }) => verb === 'list' || verb === 'get';
    expect((await ask('POST', '/default', SPEC)).status).toBe(403);
    expect((await ask('DELETE', `/default/${name}`)).status).toBe(403);
    expect(await listed()).toHaveLength(1);
  });

  it.each<[string, unknown, number, string]>([
    ['/default', { ...SPEC, reason: undefined }, 400, 'reason: an override needs a reason; say in a few words why'],
    ['/default', { ...SPEC, action: 'Open' }, 400, 'action: '],
    ['/default', { ...SPEC, breakers: ['a b'] }, 400, 'breakers[0]: must be a breaker name'],
    ['/default', { ...SPEC, until: 'noon' }, 400, 'until: is not a field; the fields here are'],
    ['/default', [], 400, 'the body: must be a map of fields, not a list'],
    [
      '/default',
      { ...SPEC, duration: undefined, expiresAt: '2001-01-01T00:00:00Z' },
      422,
      'spec.expiresAt: lies in the past',
    ],
    ['/No_Name', SPEC, 400, 'namespace: "No_Name" is not a valid namespace name'],
  ])('refuses at %s: %j', async (path, body, status, error) => {
    const response = await ask('POST', path, body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toContain(error);
    expect(store.list()).toEqual([]);
  });

  it('knows what there is not, and takes nothing but JSON', async () => {
    for (const method of ['GET', 'DELETE']) {
      const response = await ask(method, '/default/nothing');
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ error: 'there is no override "nothing" in namespace "default"' });
    }
    expect((await ask('POST', '/default', SPEC, 'text/plain')).status).toBe(415);
  });

  it('tells the history of a policy, and where an edit must be made', async () => {
    source.set([policy('payments', { generation: 2, spec: { breakers: ['payments'] } })], '8');
    const path = `${serving.adminUrl}/v1/policies/default/payments`;
    const items = async () => ((await (await fetch(`${path}/history`)).json()) as { items: object[] }).items;
    await until(async () => (await items()).length === 2);
    expect(await items()).toMatchObject([
      { revision: 2, current: true, changes: [{ field: 'trip', from: { consecutiveFailures: 3 } }] },
      { revision: 1, current: false, changes: [] },
    ]);
    const rollback = (body: object) =>
      fetch(`${path}/rollback`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect(asked.at(-1)).toMatchObject({ verb: 'get', resource: 'circuitbreakerpolicies' });
    const response = await rollback({ toRevision: 1 });
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({
      error: 'policy "payments" in namespace "default" comes from a file; write the spec of the revision into it',
    });
    expect(asked.at(-1)).toEqual({
      verb: 'update',
      resource: 'circuitbreakerpolicies',
      namespace: 'default',
      name: 'payments',
    });
    expect(await (await rollback({ toRevision: 7 })).json()).toEqual({
      error: 'policy "payments" has no revision 7; it has 2, 1',
    });
    expect((await rollback({})).status).toBe(400);
  });
});
