import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, KubeError, type KubeRequest } from './client.ts';

it.each<[number | undefined, string, boolean]>([
  [403, 'pods is forbidden: User "jane" cannot create resource "pods" in API group ""', true],
  [403, 'pods is forbidden: User "jane" cannot create resource "pods" in API group "": denied the request', true],
  [403, 'Forbidden', true],
  [403, 'pods "a" is forbidden: unable to create new content in namespace q because it is being terminated', false],
  [403, 'pods "a" is forbidden: exceeded quota: few, requested: count/pods=1, used: 1, limited: 1', false],
  [403, 'admission webhook "a.example" denied the request: no', false],
  [403, "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", false],
  [422, 'pods "a" is invalid', false],
  [undefined, 'the connection was cut', false],
])('tells a missing permission from other refusals: %s %s', (status, message, lacking) => {
  expect(new KubeError(message, status).lacksPermission).toBe(lacking);
});

/**
 * Sends a request while there are two kept connections. The server cuts the first `cuts` connections on which it reads
 * the request, without a response.
 */
async function onCutConnections(cuts: number, request: KubeRequest): Promise<{ asked: string[]; outcome: unknown }> {
  const asked: string[] = [];
  const first: ServerResponse[] = [];
  const server = createServer((incoming, response) => {
    if (incoming.url === '/first') {
      first.push(response);
      if (first.length === 2) for (const one of first) one.end('{}');
      return;
    }
    asked.push(incoming.method!);
    if (asked.length > cuts) response.end('{}');
    else incoming.resume().on('end', () => incoming.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser({ name: 'own', server: url, skipTLSVerify: true }, { name: 'operator' });
  const client = new KubeClient(kubeConfig);
  try {
    await Promise.all([1, 2].map(() => client.request('/first', { keepAlive: true })));
    const outcome = await client.request('/second', { ...request, keepAlive: true }).catch((error: Error) => error);
    return { asked, outcome };
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

it.each<[KubeRequest, string[]]>([
  [{}, ['GET', 'GET']],
  [{ method: 'PUT', body: {} }, ['PUT', 'PUT']],
  [{ method: 'DELETE' }, ['DELETE', 'DELETE']],
  [{ method: 'POST', body: {}, repeatable: true }, ['POST', 'POST']],
])('sends a request once more when a kept connection was cut: %j', async (request, expected) => {
  expect(await onCutConnections(1, request)).toEqual({ asked: expected, outcome: {} });
});

it('does not repeat what would then exist twice', async () => {
  const { asked, outcome } = await onCutConnections(1, { method: 'POST', body: {} });
  expect(asked).toEqual(['POST']);
  expect(outcome).toMatchObject({ message: 'socket hang up' });
});

it('sends a request no third time', async () => {
  const { asked, outcome } = await onCutConnections(5, {});
  expect(asked).toEqual(['GET', 'GET']);
  expect(outcome).toMatchObject({ message: 'socket hang up' });
});
