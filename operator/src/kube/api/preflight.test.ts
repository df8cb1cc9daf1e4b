import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { FaultyApiServer, status as faultOf } from '../../../test/faulty-api-server.ts';
import { preflight } from './preflight.ts';

let server: FaultyApiServer;

beforeEach(async () => {
  server = await new FaultyApiServer().start();
});
afterEach(() => server.stop());

const ask = (more: object = {}) =>
  preflight({ kubeConfig: server.kubeConfig, namespaces: [], mustAnswer: true, patienceMs: 0, pauseMs: 1, ...more });
it('says nothing where policies can be read', async () => {
  expect(await ask()).toBeUndefined();
  expect(await ask({ namespaces: ['shop', 'bank'] })).toBeUndefined();
  expect(server.asked.list).toBe(3);
});

it.each([
  [401, /does not accept our credentials \(401\).*renew the token or the kubeconfig$/],
  [403, /not allowed to list circuitbreakerpolicies.*grant the operator's account the verbs list and watch/],
  [404, /does not serve circuitbreakerpolicies.* \(404\); install the definitions: kubectl apply -f crds\/$/],
])('says what to do about %i, wherever it runs', async (status, message) => {
  server.break('list', faultOf(status));
  expect(await ask()).toMatch(message);
  expect(await ask({ mustAnswer: false })).toMatch(message);
});

it('takes a server in trouble for a wrong address only where a person named it', async () => {
  server.break('list', faultOf(500));
  expect(await ask()).toMatch(/does not answer as one: .*check the kubeconfig/);
  expect(await ask({ mustAnswer: false })).toBeUndefined();
});

it('says which server is not there', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u' },
  );
  expect(await ask({ kubeConfig })).toMatch(`the API server at http://127.0.0.1:${port} does not answer as one: `);
});

it('waits for a definition that is just being made', async () => {
  server.breakOnce('list', faultOf(404));
  server.breakOnce('list', faultOf(403));
  expect(await ask({ patienceMs: 20_000 })).toBeUndefined();
});
