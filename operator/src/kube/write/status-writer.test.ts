import type { PolicySpec, PolicyStatus } from '@fuseboard/schema';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { FaultyApiServer, type StoredObject, silence, status } from '../../../test/faulty-api-server.ts';
import { until } from '../../../test/until.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { noOpQueueObserver } from '../../ports/queue-observer.ts';
import type { StatusSink } from '../../ports/status-sink.ts';
import { type KubernetesStatusSinkOptions, kubernetesStatusSink, type WritePermit } from './status-writer.ts';

/** A name that the API server accepts. */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

let server: FaultyApiServer;
let sink: StatusSink;
let warnings: string[];

const begin = (options: Partial<KubernetesStatusSinkOptions> = {}) => {
  sink = kubernetesStatusSink({
    kubeConfig: server.kubeConfig,
    statusIntervalMs: 5,
    eventIntervalMs: 5,
    retryMs: 20,
    graceMs: 20,
    log: { info: () => {}, warn: (_fields, message) => warnings.push(message) },
    ...options,
  });
};
const policyOf = ({ metadata, spec }: StoredObject): Policy => ({
  uid: metadata.uid,
  namespace: metadata.namespace,
  name: metadata.name,
  generation: metadata.generation,
  createdAt: 0,
  spec: spec as PolicySpec,
  problems: [],
});
const applied = (count: number): PolicyStatus => ({
  observedGeneration: 1,
  agents: { matched: 9, applied: count, rejected: 0, stale: 0, summary: `${count}/9` },
});
const conditionAt = (observedGeneration: number) =>
  ({
    type: 'Accepted',
    status: 'True',
    observedGeneration,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    reason: 'Valid',
    message: '',
  }) as const;
const stateOf = ({ metadata: { uid, resourceVersion }, status: stored }: StoredObject) => ({
  uid,
  resourceVersion,
  status: stored as PolicyStatus,
});
const storedStatus = (name: string) => server.objects.get(`default/${name}`)?.status;
const holds = (name: string, wanted: PolicyStatus) =>
  until(() => JSON.stringify(storedStatus(name)) === JSON.stringify(wanted));

beforeEach(async () => {
  server = await new FaultyApiServer().start();
  warnings = [];
});

afterEach(async () => {
  await sink.stop();
  await server.stop();
});

describe('the status of a policy', () => {
  it('keeps conditions of others, in their order, and is not written again because of them', async () => {
    server.put('a');
    const transition = { lastTransitionTime: '2026-01-01T00:00:00Z', message: '' };
    const foreign = { type: 'example.com/Reviewed', status: 'True', reason: 'Done', ...transition } as const;
    const ours = { type: 'Accepted', status: 'True', reason: 'Valid', ...transition } as const;
    const stored = server.putStatus('a', { conditions: [{ ...ours, status: 'False' }, foreign] });
    begin();
    sink.write(policyOf(stored), { ...applied(1), conditions: [ours] });
    await holds('a', { ...applied(1), conditions: [ours, foreign] });
    const { status } = server.asked;
    sink.write(policyOf(stored), { ...applied(1), conditions: [ours] });
    sink.write(policyOf(stored), { ...applied(2), conditions: [ours] });
    await holds('a', { ...applied(2), conditions: [ours, foreign] });
    expect(server.asked.status).toBe(status + 1);
  });

  it('is written from the newest copy that the source knows, without a read', async () => {
    const stored = server.put('a');
    const { uid, resourceVersion } = stored.metadata;
    begin({ stored: () => ({ uid, resourceVersion }) });
    sink.write(policyOf(stored), applied(1));
    await holds('a', applied(1));
    expect(server.asked).toMatchObject({ get: 0, status: 1 });
  });

  it('takes the same connection as the one before', async () => {
    const stored = server.put('a');
    begin();
    for (let count = 1; count <= 3; count += 1) {
      sink.write(policyOf(stored), applied(count));
      await holds('a', applied(count));
    }
    expect(server.connections).toBe(1);
  });

  it('is read first where no source is given', async () => {
    begin();
    sink.write(policyOf(server.put('a')), applied(1));
    await holds('a', applied(1));
    expect(server.asked).toMatchObject({ get: 1, status: 1 });
  });

  it('is read again and written after a conflict', async () => {
    const stored = server.put('a');
    const { uid, resourceVersion } = stored.metadata;
    begin({ stored: () => ({ uid, resourceVersion }) });
    server.put('a', { breakers: ['edited'] });
    sink.write(policyOf(stored), applied(1));
    await holds('a', applied(1));
    expect(server.asked).toMatchObject({ get: 1, status: 2 });
    expect(server.objects.get('default/a')!.spec).toEqual({ breakers: ['edited'] });
  });

  it('goes back to a value that a slow source still shows', async () => {
    server.put('a');
    const stored = server.putStatus('a', applied(1));
    const { uid, resourceVersion } = stored.metadata;
    begin({ stored: () => ({ uid, resourceVersion, status: applied(1) }) });
    sink.write(policyOf(stored), applied(2));
    await holds('a', applied(2));
    sink.write(policyOf(stored), applied(1));
    await holds('a', applied(1));
  });

  it('is not written when the source shows it already', async () => {
    server.put('a');
    const stored = server.putStatus('a', applied(1));
    const { uid, resourceVersion } = stored.metadata;
    begin({ stored: ({ name }) => (name === 'a' ? { uid, resourceVersion, status: applied(1) } : undefined) });
    sink.write(policyOf(stored), applied(1));
    sink.write(policyOf(server.put('b')), applied(2));
    await holds('b', applied(2));
    expect(storedStatus('a')).toEqual(applied(1));
    expect(server.objects.get('default/a')!.metadata.resourceVersion).toBe(resourceVersion);
  });

  it('never goes to another policy under the same name', async () => {
    const old = policyOf(server.put('a'));
    server.remove('a');
    const young = policyOf(server.put('a'));
    begin();
    sink.write(old, applied(1));
    sink.write(policyOf(server.put('b')), applied(2));
    await holds('b', applied(2));
    expect(storedStatus('a')).toBeUndefined();
    sink.write(young, applied(3));
    await holds('a', applied(3));
    expect(warnings).toEqual([]);
  });

  it.each([400, 413, 422])('that was refused once (%i) is tried again until it is taken', async (code) => {
    const policy = policyOf(server.put('a'));
    begin();
    server.break('status', status(code));
    sink.write(policy, applied(1));
    await until(() => server.asked.status >= 3);
    sink.write(policyOf(server.put('b')), applied(2));
    await until(() => server.asked.status >= 5);
    server.heal('status');
    await holds('a', applied(1));
    await holds('b', applied(2));
    expect(warnings).toEqual([
      expect.stringMatching(`cannot write the status of policy default/a now \\(${code}\\): .*; trying again`),
    ]);
  });

  it('that is refused for ever does not hold up another', async () => {
    begin();
    server.break('status', (request, response, proceed) =>
      request.url!.includes('/a/') ? status(422)(request, response, proceed) : proceed(),
    );
    sink.write(policyOf(server.put('a')), applied(1));
    for (let count = 1; count <= 3; count += 1) {
      sink.write(policyOf(server.objects.get('default/b') ?? server.put('b')), applied(count));
      await holds('b', applied(count));
    }
    expect(storedStatus('a')).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  it('that somebody else changed or removed is written again when it is wanted again', async () => {
    const stored = server.put('a');
    begin({ stored: () => stateOf(server.objects.get('default/a')!) });
    for (const others of [undefined, applied(7), { conditions: [] }]) {
      sink.write(policyOf(stored), applied(1));
      await holds('a', applied(1));
      server.putStatus('a', others);
    }
    sink.write(policyOf(stored), applied(1));
    await holds('a', applied(1));
  });

  it('of a policy that is gone is not waited for: 100 of them hold up no other', async () => {
    begin({ perSecond: 2 });
    const gone = Array.from({ length: 100 }, (_, i) => policyOf(server.put(`gone-${i}`)));
    for (const policy of gone) {
      sink.write(policy, applied(1));
      sink.event(policy, { type: 'Normal', reason: 'Accepted', message: 'any' });
    }
    for (const policy of gone) {
      server.remove(policy.name);
      sink.forget(policy);
    }
    sink.write(policyOf(server.put('b')), applied(2));
    await holds('b', applied(2));
    expect(server.asked.get + server.asked.event).toBeLessThan(6);
    expect(warnings).toEqual([]);
  });

  it('of a new policy comes before those of edited ones', async () => {
    const edited = Array.from({ length: 30 }, (_, i) => {
      server.put(`p${i}`);
      return server.putStatus(`p${i}`, { observedGeneration: 1, conditions: [] });
    });
    begin({ perSecond: 5, stored: ({ name }) => stateOf(server.objects.get(`default/${name}`)!) });
    const status = { ...applied(1), conditions: [conditionAt(2)] };
    for (const policy of edited) sink.write(policyOf(policy), status);
    sink.write(policyOf(server.put('b')), status);
    await holds('b', status);
    expect(server.asked.status).toBeLessThan(12);
  });

  it('of a policy that is gone is dropped', async () => {
    const gone = policyOf(server.put('a'));
    server.remove('a');
    begin();
    sink.write(gone, applied(1));
    await until(() => server.asked.get === 1);
    sink.write(policyOf(server.put('b')), applied(2));
    await holds('b', applied(2));
    expect(server.asked.get).toBe(2);
    expect(warnings).toEqual([]);
  });

  it.each([401, 403, 429, 500, 503])('is tried again after %i, and what came meanwhile wins', async (code) => {
    const policy = policyOf(server.put('a'));
    begin();
    server.breakOnce('status', status(code));
    sink.write(policy, applied(1));
    await until(() => warnings.length > 0);
    expect(warnings[0]).toMatch(`cannot write the status of policy default/a now (${code})`);
    sink.write(policy, applied(2));
    await holds('a', applied(2));
    expect(server.asked.status).toBe(2);
  });

  it('that may not be written says what to grant, once', async () => {
    begin();
    server.break('status', status(403));
    for (const name of ['a', 'b', 'c']) sink.write(policyOf(server.put(name)), applied(1));
    await until(() => server.asked.status >= 3 && warnings.length > 0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(
      "grant the operator's account the verbs get on circuitbreakerpolicies and update on circuitbreakerpolicies/status",
    );
  });

  it('does not wait behind another that is never answered', async () => {
    begin();
    server.breakOnce('status', silence);
    sink.write(policyOf(server.put('a')), applied(1));
    await until(() => server.asked.status === 1);
    sink.write(policyOf(server.put('b')), applied(2));
    await holds('b', applied(2));
  });

  it('takes its turn: no second sees more than 20 writes over all policies', async () => {
    begin();
    const begun = performance.now();
    for (let i = 0; i < 25; i += 1) sink.write(policyOf(server.put(`p${i}`)), applied(1));
    await until(() => [...server.objects.values()].every((object) => object.status !== undefined));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(990);
    expect(server.asked.status).toBe(25);
  });

  it('survives a kubeconfig whose plugin is not installed', async () => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(server.kubeConfig.clusters[0]!, {
      name: 'operator',
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin-is-installed' },
    });
    begin({ kubeConfig });
    sink.write(policyOf(server.put('a')), applied(1));
    await until(() => warnings.length > 0);
    expect(warnings[0]).toContain('no-such-plugin-is-installed');
  });

  it('is not written after the end', async () => {
    begin();
    await sink.stop();
    sink.write(policyOf(server.put('a')), applied(1));
    sink.event(policyOf(server.objects.get('default/a')!), { type: 'Normal', reason: 'Any', message: 'any' });
    expect(server.asked).toMatchObject({ get: 0, status: 0, event: 0 });
  });

  it('ends although a request is never answered', async () => {
    begin();
    server.break('get', silence);
    sink.write(policyOf(server.put('a')), applied(1));
    await until(() => server.asked.get === 1);
    await sink.stop();
  });
});

describe('Events', () => {
  const opened = (message: string) => ({ type: 'Warning', reason: 'BreakerOpened', message }) as const;
  const only = () => [...server.events.values()];

  it('of one reason are counted in one, with the newest message', async () => {
    const policy = policyOf(server.put('a'));
    begin();
    for (let i = 1; i <= 100; i += 1) sink.event(policy, opened(`on agent ${i}`));
    await until(() => only()[0]?.count === 100);
    sink.event(policy, opened('once more'));
    await until(() => only()[0]?.count === 101);
    expect(only()).toHaveLength(1);
    expect(only()[0]).toMatchObject({ message: 'once more', reason: 'BreakerOpened', type: 'Warning' });
    expect(server.asked.event).toBeLessThan(5);
  });

  it('of another reason or policy stand for themselves', async () => {
    begin();
    const [a, b] = [policyOf(server.put('a')), policyOf(server.put('b'))];
    sink.event(a, opened('x'));
    sink.event(a, { type: 'Normal', reason: 'BreakerClosed', message: 'x' });
    sink.event(b, opened('x'));
    await until(() => server.events.size === 3);
  });

  it('start over when the API server has forgotten the old one', async () => {
    const policy = policyOf(server.put('a'));
    begin();
    sink.event(policy, opened('first'));
    await until(() => server.events.size === 1);
    server.events.clear();
    sink.event(policy, opened('second'));
    await until(() => server.events.size === 1);
    expect(only()[0]).toMatchObject({ message: 'second', count: 1 });
  });

  it('lose no count while the API server fails', async () => {
    const policy = policyOf(server.put('a'));
    begin();
    server.breakOnce('event', status(500));
    sink.event(policy, opened('first'));
    await until(() => warnings.length > 0);
    sink.event(policy, opened('second'));
    await until(() => only()[0]?.count === 2);
  });

  it('are written once, with every count, though the answer to the first was lost', async () => {
    const policy = policyOf(server.put('a'));
    begin();
    server.breakOnce('event', (_request, response, proceed) => {
      response.end = () => response.destroy();
      proceed();
    });
    sink.event(policy, opened('first'));
    await until(() => warnings.length > 0);
    sink.event(policy, opened('second'));
    await until(() => only()[0]?.count === 2);
    expect(only()).toHaveLength(1);
  });

  it('start over for a subject that was gone, and what was pending then is not written', async () => {
    const policy = policyOf(server.put('a'));
    const ended: string[] = [];
    begin({ observer: { ...noOpQueueObserver, done: (_key, result) => void ended.push(result) } });
    server.breakOnce('event', status(500));
    sink.event(policy, opened('first'));
    await until(() => ended.length === 1);
    sink.forget(policy);
    sink.event(policy, opened('second'));
    await until(() => ended.length === 2);
    sink.forget(policy);
    sink.event(policy, opened('third'));
    await until(() => ended.length === 3);
    expect(ended).toEqual(['error', 'success', 'success']);
    expect(only().map(({ message, count }) => `${message}: ${count}`)).toEqual(['second: 1', 'third: 1']);
  });

  it.each(['.', '-', '-.', '.-'])('have a valid name where that of the subject is cut after "%s"', async (last) => {
    begin();
    const name = `${'a'.repeat(220 - last.length)}${last}${'b'.repeat(20)}`;
    sink.event(policyOf(server.put(name)), opened('x'));
    await until(() => server.events.size === 1);
    expect([...server.events.keys()][0]).toMatch(OBJECT_NAME);
  });

  it('have a message that fits', async () => {
    begin();
    sink.event(policyOf(server.put('a')), opened('x'.repeat(5000)));
    await until(() => server.events.size === 1);
    expect(only()[0]!.message).toHaveLength(1024);
  });
});

describe('without a permit', () => {
  const other = () => server.put('other');

  it('nothing is written, and nothing of it is left for later', async () => {
    let permit: WritePermit | undefined;
    begin({ permit: () => permit });
    sink.write(policyOf(server.put('a')), applied(1));
    permit = { term: 1, forMs: 5_000 };
    sink.write(policyOf(other()), applied(2));
    await holds('other', applied(2));
    expect(server.asked).toMatchObject({ status: 1 });
    expect(storedStatus('a')).toBeUndefined();
  });

  it('what is tried again after a conflict is dropped', async () => {
    const stored = server.put('a');
    const { uid, resourceVersion } = stored.metadata;
    let asked = 0;
    begin({
      stored: () => ({ uid, resourceVersion }),
      permit: () => {
        asked += 1;
        // The permit is checked when the write is queued, when it starts and before its request; the conflict comes
        // afterwards.
        return asked <= 3 ? { term: 1, forMs: 5_000 } : undefined;
      },
    });
    server.put('a', { breakers: ['edited'] });
    sink.write(policyOf(stored), applied(1));
    await until(() => asked === 4);
    await sink.stop();
    expect(server.asked).toMatchObject({ get: 1, status: 1 });
    expect(storedStatus('a')).toBeUndefined();
  });

  it('what was wanted in an earlier term is not written in a later one', async () => {
    const a = policyOf(server.put('a'));
    let term = 1;
    begin({ permit: () => ({ term, forMs: 5_000 }), statusIntervalMs: 100 });
    sink.write(a, applied(1));
    await holds('a', applied(1));
    sink.write(a, applied(2));
    term = 2;
    const b = policyOf(other());
    sink.write(b, applied(3));
    await holds('other', applied(3));
    sink.write(b, applied(4));
    await holds('other', applied(4));
    expect(storedStatus('a')).toEqual(applied(1));
    expect(server.asked).toMatchObject({ status: 3 });
  });
});
