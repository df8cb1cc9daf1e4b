import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed, SYSTEM } from './installed.ts';
import { makePod, podToken } from './pods.ts';

/** A ServiceAccount stands for a person; the API server knows both by a token. */
const PEOPLE = {
  viewer: { role: 'clusterrole/view', namespace: 'shop' },
  editor: { role: 'clusterrole/edit', namespace: 'shop' },
  overseer: { role: 'clusterrole/view' },
  stranger: {},
} as const;

jest.setTimeout(180_000);

let cluster: Cluster;
let installed: Installed;
let operator: OperatorProcess;
const tokens = new Map<string, string>();

interface Answer {
  readonly status: number;
  readonly body: { readonly items?: readonly { readonly namespace: string }[]; readonly error?: string };
}

async function get(path: string, who?: string, headers: Record<string, string> = {}): Promise<Answer> {
  const token = who === undefined ? undefined : (tokens.get(who) ?? who);
  const response = await fetch(`http://127.0.0.1:${operator.adminPort}${path}`, {
    headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster);
  for (const name of ['shop', 'bank', 'people']) await cluster.namespace(name);
  // No controller joins the aggregated roles here; what the chart adds to view and edit is bound directly.
  const roles = { 'clusterrole/view': 'policies-view', 'clusterrole/edit': 'policies-edit' };
  for (const [name, person] of Object.entries(PEOPLE)) {
    await cluster.kubectl('create', 'serviceaccount', name, '-n', 'people');
    tokens.set(name, (await cluster.kubectl('create', 'token', name, '-n', 'people')).trim());
    if (!('role' in person)) continue;
    const bind = async (role: string) => {
      const where = 'namespace' in person ? ['rolebinding', '-n', person.namespace] : ['clusterrolebinding'];
      const [kind, ...more] = where;
      const to = [`--clusterrole=fuseboard.${SYSTEM}.${role}`, `--serviceaccount=people:${name}`];
      await cluster.kubectl('create', kind!, `${name}-${role}`, ...more, ...to);
    };
    await bind(roles['clusterrole/view']);
    if (person.role === 'clusterrole/edit') await bind(roles['clusterrole/edit']);
  }
  for (const namespace of ['shop', 'bank']) {
    await eventually(() => cluster.apply(policy(namespace, 'payments', { breakers: ['payments'] })));
  }
  await makePod(cluster, 'shop', 'checkout-1');
  tokens.set('agent', await podToken(cluster, 'shop', 'checkout-1'));
  operator = await installed.startOperator();
}, 600_000);

afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

describe('the admin API of a release', () => {
  it('shows a person what they may read with kubectl, and nothing else', async () => {
    for (const who of ['viewer', 'editor']) {
      expect(await get('/v1/policies?namespace=shop', who)).toMatchObject({
        status: 200,
        body: { items: [{ namespace: 'shop' }] },
      });
      expect((await get('/v1/policies/shop/payments', who)).status).toBe(200);
      expect((await get('/v1/agents?namespace=shop', who)).status).toBe(200);
      expect((await get('/v1/explain?namespace=shop&breaker=payments', who)).status).toBe(200);
      expect((await get('/v1/source?namespace=shop', who)).body).toMatchObject({ policies: 1 });
      for (const path of [
        '/v1/policies?namespace=bank',
        '/v1/policies/bank/payments',
        '/v1/policies/bank/missing',
        '/v1/agents?namespace=bank',
        '/v1/explain?namespace=bank&breaker=payments',
        '/v1/source?namespace=bank',
      ]) {
        const { status, body } = await get(path, who);
        expect([path, status]).toEqual([path, 403]);
        expect(body.error).toMatch(
          new RegExp(
            `"system:serviceaccount:people:${who}" may not (list|get) circuitbreakerpolicies in namespace "bank"`,
          ),
        );
      }
    }
  });

  it('lists all namespaces for whom may read all, and names the way for others', async () => {
    const { status, body } = await get('/v1/policies', 'overseer');
    expect([status, body.items?.map(({ namespace }) => namespace)]).toEqual([200, ['bank', 'shop']]);
    for (const path of ['/v1/policies', '/v1/agents', '/v1/source', '/v1/policies?namespace=shop&namespace=bank']) {
      const refused = await get(path, 'viewer');
      expect([path, refused.status]).toEqual([path, 403]);
      expect(refused.body.error).toMatch(/in all namespaces; name one where that is allowed, with \?namespace=/);
    }
  });

  it.each([
    ['no token', undefined, 401],
    ['a made-up token', 'h.made.signature-of-nobody', 401],
    ["an agent's token, which is meant for agents", 'agent', 401],
    ['the token of somebody without a right', 'stranger', 403],
  ] as const)('shows nothing for %s, and notes it without the token', async (_what, who, status) => {
    const before = operator.log.length;
    for (const path of ['/v1/policies', '/v1/policies/shop/payments', '/v1/policies/shop/missing']) {
      const answer = await get(path, who);
      expect([path, answer.status, Object.keys(answer.body)]).toEqual([path, status, ['error']]);
    }
    // Lines of refusals are few a second, and those before count too.
    await eventually(async () => {
      await get('/v1/policies', who);
      return /"audit":true.*"refused a person"/.test(operator.log.slice(before));
    }, 120_000);
    if (who === undefined) return;
    const signature = (tokens.get(who) ?? who).split('.').at(-1)!;
    expect(operator.log).not.toContain(signature);
    expect(await operator.metrics()).not.toContain(signature);
  });

  it('is on loopback, where kubectl port-forward comes out, and beyond it over TLS only', async () => {
    await installed.upgrade({ admin: { expose: true } });
    const exposed = await installed.startOperator();
    try {
      const options = {
        ca: readFileSync(installed.file('ca.crt')),
        headers: { authorization: `Bearer ${tokens.get('viewer')}` },
        agent: false,
      } as const;
      const status = await new Promise((resolve, reject) => {
        request(`https://localhost:${exposed.adminPort}/v1/policies?namespace=shop`, options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .once('error', reject)
          .end();
      });
      expect(status).toBe(200);
      await expect(fetch(`http://127.0.0.1:${exposed.adminPort}/v1/policies`)).rejects.toThrow();
    } finally {
      await exposed.end();
    }
  });

  it('answers 503 while the API server is away, never that somebody is not who they are', async () => {
    await cluster.stopApiServer();
    try {
      const fresh = tokens.get('overseer')!;
      await eventually(async () => (await get('/v1/policies?namespace=bank', fresh)).status === 503, 120_000);
      expect((await get('/v1/policies', 'h.unknown.token')).status).toBe(503);
    } finally {
      await cluster.startApiServer();
    }
    await eventually(async () => (await get('/v1/policies', 'overseer')).status === 200, 120_000);
  });
});
