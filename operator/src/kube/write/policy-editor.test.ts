import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { Policy } from '../../core/policy/policy.ts';
import { kubernetesPolicyEditor } from './policy-editor.ts';

const POLICY: Policy = {
  uid: 'uid-a',
  namespace: 'shop',
  name: 'a',
  generation: 2,
  createdAt: 0,
  spec: { breakers: ['a'] },
  problems: [],
};

let server: Server;
let kubeConfig: KubeConfig;
let asked: object[];
let answer: number;

beforeEach(async () => {
  asked = [];
  answer = 200;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const body = JSON.parse(Buffer.concat(chunks).toString());
    asked.push({ method, url, authorization: headers.authorization, body });
    response.writeHead(answer, { 'content-type': 'application/json' }).end(JSON.stringify({ message: 'not you' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  kubeConfig = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  kubeConfig.loadFromClusterAndUser({ name: 'own', server: url, skipTLSVerify: true }, { name: 'operator' });
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it('replaces the spec of this very policy as the person, under a field manager of its own', async () => {
  await kubernetesPolicyEditor(kubeConfig).replaceSpec(POLICY, { breakers: ['b'] }, 'rollback', 'Bearer of-ann');
  expect(asked).toEqual([
    {
      method: 'PATCH',
      url: '/apis/fuseboard.dev/v1alpha1/namespaces/shop/circuitbreakerpolicies/a?fieldManager=fuseboard-rollback',
      authorization: 'Bearer of-ann',
      body: [
        { op: 'test', path: '/metadata/uid', value: 'uid-a' },
        { op: 'replace', path: '/spec', value: { breakers: ['b'] } },
      ],
    },
  ]);
});

it('applies thresholds to the generation that the person saw, and to no later one', async () => {
  const editor = kubernetesPolicyEditor(kubeConfig);
  await editor.replaceSpec(POLICY, { breakers: ['a'] }, 'thresholds', 'Bearer of-ann');
  expect(asked).toMatchObject([
    {
      url: expect.stringContaining('?fieldManager=fuseboard-thresholds'),
      authorization: 'Bearer of-ann',
      body: [
        { op: 'test', path: '/metadata/uid', value: 'uid-a' },
        { op: 'test', path: '/metadata/generation', value: 2 },
        { op: 'replace', path: '/spec', value: { breakers: ['a'] } },
      ],
    },
  ]);
  answer = 422;
  await expect(editor.replaceSpec(POLICY, {}, 'thresholds', undefined)).rejects.toMatchObject({
    status: 422,
    message: 'cannot edit policy "a" in namespace "shop": not you',
  });
});

it('tells why the API server refused it', async () => {
  answer = 403;
  await expect(kubernetesPolicyEditor(kubeConfig).replaceSpec(POLICY, {}, 'rollback', undefined)).rejects.toMatchObject(
    {
      status: 403,
      message: 'cannot roll policy "a" in namespace "shop" back: not you',
    },
  );
});
