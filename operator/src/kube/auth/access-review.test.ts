import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { ResourceAttributes } from '../../ports/access.ts';
import { AccessReviewer } from './access-review.ts';

const EXPIRES = 2_000_000;
const TOKEN = `h.${Buffer.from(JSON.stringify({ exp: EXPIRES / 1_000 })).toString('base64url')}.s`;
const USER = { username: 'jane', uid: 'u1', groups: ['devs'], extra: { scopes: ['read'] } };
const JANE = { name: 'jane', uid: 'u1', groups: ['devs'], extra: { scopes: ['read'] } };
const LIST: ResourceAttributes = { verb: 'list', resource: 'circuitbreakerpolicies', namespace: 'shop' };

let server: Server;
let asked: { path: string; spec: unknown }[];
let token: { code: number; status: object };
let right: { code: number; status: object };
let now: number;
let warnings: string[];
let reviewer: AccessReviewer;

beforeEach(async () => {
  asked = [];
  warnings = [];
  now = 1_000_000;
  token = { code: 201, status: { authenticated: true, user: USER } };
  right = { code: 201, status: { allowed: true } };
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ path: request.url!, spec: JSON.parse(text).spec });
    const { code, status } = request.url!.endsWith('/tokenreviews') ? token : right;
    const body = code === 201 ? { status } : { message: 'no' };
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true },
    { name: 'u', token: 'ours' },
  );
  const log = { warn: (_: object, message: string) => void warnings.push(message), info: () => {} };
  reviewer = new AccessReviewer({ kubeConfig, log, now: () => now });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const who = () => reviewer.user(`Bearer ${TOKEN}`);

it("knows a person by the API server's own answer, for the audience of the API server", async () => {
  expect(await who()).toEqual(JANE);
  expect(asked).toEqual([{ path: '/apis/authentication.k8s.io/v1/tokenreviews', spec: { token: TOKEN } }]);
});

it('asks whether exactly this person may do exactly this', async () => {
  await reviewer.check(JANE, { ...LIST, verb: 'get', name: 'payments' });
  const resourceAttributes = {
    group: 'fuseboard.dev',
    resource: 'circuitbreakerpolicies',
    verb: 'get',
    namespace: 'shop',
    name: 'payments',
  };
  expect(asked).toEqual([
    {
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      spec: { user: 'jane', uid: 'u1', groups: ['devs'], extra: { scopes: ['read'] }, resourceAttributes },
    },
  ]);
});

it.each<[string, object]>([
  ['not accepted', { authenticated: false, user: USER }],
  ['of nobody', { authenticated: true, user: {} }],
  ['answered without a word', {}],
])('refuses a token that is %s', async (_what, status) => {
  token = { code: 201, status };
  await expect(who()).rejects.toMatchObject({ reason: 'bad-token', status: 401 });
});

it('refuses a request without a token, and says which is wanted', async () => {
  await expect(reviewer.user(undefined)).rejects.toMatchObject({
    status: 401,
    message: expect.stringContaining('the token that you use for the API server'),
  });
  expect(asked).toEqual([]);
});

it.each<[string, object]>([
  ['not allowed', { allowed: false }],
  ['allowed by one and denied by another', { allowed: true, denied: true }],
  ['answered without a word', {}],
])('refuses what is %s, and says what is missing and where', async (_what, status) => {
  right = { code: 201, status };
  await expect(reviewer.check(JANE, LIST)).rejects.toMatchObject({
    status: 403,
    message: '"jane" may not list circuitbreakerpolicies in namespace "shop"; ask for the right, as with a RoleBinding',
  });
  await expect(reviewer.check(JANE, { ...LIST, namespace: undefined } as never)).rejects.toMatchObject({
    status: 403,
    message:
      '"jane" may not list circuitbreakerpolicies in all namespaces; name one where that is allowed, with ?namespace=',
  });
});

it('asks once in 10 s about one token and one right, and again after that', async () => {
  await Promise.all([who(), who(), reviewer.check(JANE, LIST), reviewer.check(JANE, LIST)]);
  now += 9_999;
  await Promise.all([who(), reviewer.check(JANE, LIST)]);
  expect(asked).toHaveLength(2);
  now += 1;
  right = { code: 201, status: { allowed: false } };
  await expect(reviewer.check(JANE, LIST)).rejects.toMatchObject({ status: 403 });
  expect(asked).toHaveLength(3);
});

it.each<[string, ResourceAttributes]>([
  ['verb', { ...LIST, verb: 'delete' }],
  ['resource', { ...LIST, resource: 'circuitbreakeroverrides' }],
  ['namespace', { ...LIST, namespace: 'bank' }],
  ['name', { ...LIST, name: 'payments' }],
])('takes no answer for that about another %s', async (_what, attributes) => {
  await reviewer.check(JANE, LIST);
  right = { code: 201, status: { allowed: false } };
  await expect(reviewer.check(JANE, attributes)).rejects.toMatchObject({ status: 403 });
});

it('takes no answer about one person for that about another of the same name', async () => {
  await reviewer.check(JANE, LIST);
  right = { code: 201, status: { allowed: false } };
  await expect(reviewer.check({ ...JANE, groups: [] }, LIST)).rejects.toMatchObject({ status: 403 });
});

it('refuses a token from the moment it expires, whatever was found before', async () => {
  now = EXPIRES - 1;
  await who();
  now = EXPIRES;
  await expect(who()).rejects.toMatchObject({ reason: 'expired', status: 401 });
});

it.each([401, 403, 429, 500])('says 503 when a review itself is answered %i, and asks again', async (code) => {
  token = { ...token, code };
  right = { ...right, code };
  await expect(who()).rejects.toMatchObject({ status: 503 });
  await expect(reviewer.check(JANE, LIST)).rejects.toMatchObject({ status: 503 });
  const advice = (resource: string) =>
    code === 403 ? `grant the operator's account the verb create on ${resource}` : 'the admin API answers 503';
  expect(warnings).toEqual(
    ['tokenreviews', 'subjectaccessreviews'].map(
      (resource) => `cannot create ${resource} (${code}): no; ${advice(resource)}`,
    ),
  );
  token = { ...token, code: 201 };
  right = { ...right, code: 201 };
  expect(await who()).toEqual(JANE);
  await reviewer.check(JANE, LIST);
});
