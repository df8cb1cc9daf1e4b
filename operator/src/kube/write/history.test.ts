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
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.setHeader('content-type', 'application/json');
    if (request.method !== 'POST')
      return response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [] }));
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
