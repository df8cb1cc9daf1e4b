import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { until } from '../../../test/until.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { KubernetesHistory } from './history.ts';

let server: Server;
let history: KubernetesHistory;
/** The stored revisions by name, including those from before the test. */
let posted: string[];
/** The revisions in the API server before the test. */
let stored: object[];
let deleted: string[];

/** The error status for storing a revision, by namespace. */
let refused: Map<string, number>;
/** Number of attempts to store a revision, by namespace. */
let asked: Map<string, number>;
/** The error status for listing revisions. */
let listing: number | undefined;
let log: string[];
/** Called when the history asks whether it may write. */
let onLeading: () => void;

const policy = (generation: number, namespace = 'shop'): Policy => ({
  uid: `uid-${namespace === 'shop' ? 'a' : namespace}`,
  namespace,
  name: 'a',
  generation,
  createdAt: 0,
  spec: { breakers: ['a'], trip: { consecutiveFailures: generation } },
  problems: [],
});

beforeEach(async () => {
  posted = [];
  stored = [];
  deleted = [];
  refused = new Map();
  asked = new Map();
  listing = undefined;
  log = [];
  onLeading = () => {};
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.setHeader('content-type', 'application/json');
    if (request.method === 'DELETE') {
      deleted.push(request.url!.replace(/^.*\/namespaces\/(.*)\/controllerrevisions\/(.*)$/, '$1/$2'));
      return response.end('{}');
    }
    if (request.method !== 'POST' && listing !== undefined) {
      response.statusCode = listing;
      return response.end(JSON.stringify({ message: 'not now' }));
    }
    if (request.method !== 'POST')
      return response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: stored }));
    const { name, namespace } = JSON.parse(Buffer.concat(chunks).toString()).metadata;
    asked.set(namespace, (asked.get(namespace) ?? 0) + 1);
    const refusal = refused.get(namespace);
    if (refusal !== undefined) {
      response.statusCode = refusal;
      return response.end(JSON.stringify({ message: `not in ${namespace}` }));
    }
    response.statusCode = posted.includes(name) ? 409 : 201;
    posted.push(name);
    return response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeConfig = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  kubeConfig.loadFromClusterAndUser({ name: 'own', server: url, skipTLSVerify: true }, { name: 'operator' });
  const say = (_fields: object, message: string) => void log.push(message);
  const leading = () => {
    onLeading();
    return true;
  };
  history = new KubernetesHistory({ kubeConfig, leading, retryMs: 10, log: { info: say, warn: say } });
});

afterEach(async () => {
  await history.stop();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it('writes a revision once, and remembers none of a policy that is gone', async () => {
  history.record(policy(1));
  await until(() => posted.length === 1);
  history.record(policy(1));
  history.record(policy(2));
  await until(() => posted.length === 2);
  expect(new Set(posted).size).toBe(2);
  await until(() => {
    // Recorded repeatedly, because a policy must not be forgotten while it is being stored.
    history.forget(policy(2));
    history.record(policy(2));
    return posted.length > 2;
  });
  expect(new Set(posted).size).toBe(2);
});

it.each(['.', '-', '-.', '.-'])('gives a revision a valid name where that of the policy is cut: "%s"', async (last) => {
  history.record({ ...policy(1), name: `${'a'.repeat(200 - last.length)}${last}${'b'.repeat(20)}` });
  await until(() => posted.length === 1);
  expect(posted[0]).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
});

it.each([1, 2, 3, 4])('writes a policy that is recorded just when the work before ends (step %i)', async (step) => {
  history.record(policy(1));
  await until(() => posted.length === 1);
  await nextTurn();
  let steps = 0;
  onLeading = () => {
    steps += 1;
    if (steps === step) queueMicrotask(() => history.record(policy(2)));
  };
  history.record(policy(1));
  await until(() => posted.length === 2);
});

/** A revision in the format of the API server. */
const revision = (
  name: string,
  over: { namespace?: string; owner?: object | null; uid?: string; number?: number },
) => ({
  metadata: {
    name,
    uid: name,
    resourceVersion: '1',
    namespace: over.namespace ?? 'shop',
    creationTimestamp: '2026-03-01T12:00:00Z',
    labels: { 'fuseboard.dev/policy-uid': 'uid-a', 'fuseboard.dev/revision': String(over.number ?? 1) },
    ...(over.owner !== null && {
      ownerReferences: [
        {
          apiVersion: 'fuseboard.dev/v1alpha1',
          kind: 'CircuitBreakerPolicy',
          name: 'a',
          uid: 'uid-a',
          controller: true,
          ...over.owner,
        },
      ],
    }),
  },
  data: { spec: { breakers: [name] } },
  revision: over.number ?? 1,
});

const PLANTED = [
  revision('no-owner', { owner: null, number: 90 }),
  revision('another-owner', { owner: { uid: 'uid-b' }, number: 91 }),
  revision('not-controlled', { owner: { controller: false }, number: 92 }),
  revision('another-kind', { owner: { kind: 'Deployment', apiVersion: 'apps/v1' }, number: 93 }),
  ...Array.from({ length: 11 }, (_, i) => revision(`elsewhere-${i}`, { namespace: 'bank', number: 100 + i })),
];

it('neither shows nor counts a revision that somebody planted, and deletes none but its own', async () => {
  const own = [1, 2, 3, 4, 5].map((number) => revision(`own-${number}`, { number }));
  stored = [...PLANTED, ...own];
  expect((await history.list(policy(5))).map(({ revision: number }) => number)).toEqual([5, 4, 3, 2, 1]);
  for (let generation = 6; generation <= 12; generation += 1) {
    history.record(policy(generation));
    await until(() => posted.length === generation - 5);
  }
  await until(() => deleted.length === 2);
  expect(deleted.sort()).toEqual(['shop/own-1', 'shop/own-2']);
});

it.each([400, 403, 413, 422, 500])(
  'stores the others while one is refused (%i), and that one when it can',
  async (code) => {
    refused.set('full', code);
    history.record(policy(1, 'full'));
    await until(() => (asked.get('full') ?? 0) >= 2);
    for (const generation of [1, 2, 3]) {
      history.record(policy(generation));
      await until(() => posted.length === generation);
    }
    expect(log).toEqual([expect.stringContaining(`cannot be kept (${code}): not in full`)]);
    refused.clear();
    await until(() => posted.length === 4);
    await until(() => log.length === 2);
    expect(log[1]).toBe('the history of policies can be kept again');
  },
);

it('does not try again what has gone: the policy, or its namespace', async () => {
  refused.set('full', 403).set('gone', 404);
  history.record(policy(1, 'gone'));
  history.record(policy(1, 'full'));
  await until(() => (asked.get('full') ?? 0) >= 2);
  history.forget(policy(1, 'full'));
  history.record(policy(1));
  await until(() => posted.length === 1);
  const tries = asked.get('full');
  history.record(policy(2));
  await until(() => posted.length === 2);
  expect(asked.get('full')).toBe(tries);
  expect(asked.get('gone')).toBe(1);
});

it('reads what there is again when that failed, and then stores', async () => {
  listing = 500;
  history.record(policy(1));
  await until(() => log.length === 1);
  listing = undefined;
  await until(() => posted.length === 1);
  expect(log).toEqual([
    expect.stringContaining('cannot be kept (500): not now'),
    'the history of policies can be kept again',
  ]);
});
