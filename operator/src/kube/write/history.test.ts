import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { until } from '../../../test/until.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { KubernetesHistory } from './history.ts';

let server: Server;
let history: KubernetesHistory;
/** The revisions that were made or were there already, by name. */
let posted: string[];
/** What the API server has before. */
let stored: object[];
let deleted: string[];

const policy = (generation: number): Policy => ({
  uid: 'uid-a',
  namespace: 'shop',
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
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.setHeader('content-type', 'application/json');
    if (request.method === 'DELETE') {
      deleted.push(request.url!.replace(/^.*\/namespaces\/(.*)\/controllerrevisions\/(.*)$/, '$1/$2'));
      return response.end('{}');
    }
    if (request.method !== 'POST')
      return response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: stored }));
    const { name } = JSON.parse(Buffer.concat(chunks).toString()).metadata;
    response.statusCode = posted.includes(name) ? 409 : 201;
    posted.push(name);
    return response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeConfig = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  kubeConfig.loadFromClusterAndUser({ name: 'own', server: url, skipTLSVerify: true }, { name: 'operator' });
  history = new KubernetesHistory({ kubeConfig, leading: () => true, log: { info() {}, warn() {} } });
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
    // Again and again: while it is being stored, it is not forgotten.
    history.forget(policy(2));
    history.record(policy(2));
    return posted.length > 2;
  });
  expect(new Set(posted).size).toBe(2);
});

/** A revision as the API server has it. */
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
