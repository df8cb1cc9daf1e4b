import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { TokenReviewer } from './token-review.ts';
import { TokenReviewLimiter } from './token-review-limiter.ts';

const EXPIRES = 2_000_000;
const encoded = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
const TOKEN = `h.${encoded({ exp: EXPIRES / 1_000 })}.s`;

const ACCEPTED = {
  authenticated: true,
  audiences: ['fuseboard'],
  user: {
    username: 'system:serviceaccount:shop:checkout',
    extra: {
      'authentication.kubernetes.io/pod-name': ['checkout-1'],
      'authentication.kubernetes.io/pod-uid': ['u1'],
    },
  },
};

let server: Server;
let asked: { path: string; body?: unknown }[];
let review: { code: number; body: object };
let pod: { code: number; body: object };
let now: number;
let warnings: string[];

beforeEach(async () => {
  asked = [];
  warnings = [];
  now = 1_000_000;
  review = { code: 201, body: { status: ACCEPTED } };
  pod = { code: 200, body: { metadata: { uid: 'u1', labels: { app: 'web' } } } };
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ path: request.url!, ...(text && { body: JSON.parse(text) }) });
    const { code, body } = request.url!.includes('/pods/') ? pod : review;
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function reviewer(withoutPod = false, namespaces: string[] = []): TokenReviewer {
  const { port } = server.address() as AddressInfo;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u', token: 'ours' },
  );
  const log = { warn: (_: object, message: string) => void warnings.push(message), info: () => {} };
  const limiter = new TokenReviewLimiter({ perSecond: 20, badPerAddress: 3, clock: { now: () => now } });
  const rest = { goodForMs: 14_000, limiter, log, now: () => now };
  return new TokenReviewer({ kubeConfig, audience: 'fuseboard', withoutPod, namespaces, ...rest });
}

const shown = { authorization: `Bearer ${TOKEN}`, namespace: undefined, address: '10.0.0.1' };
const IDENTITY = { namespace: 'shop', pod: { name: 'checkout-1', uid: 'u1' }, expiresAt: EXPIRES };
const deny = (reason: string, status: number) => ({ reason, status });

it('takes namespace and pod from the answer, and asks for our audience', async () => {
  expect(await reviewer().identify(shown, 'stream')).toEqual(IDENTITY);
  expect(asked).toEqual([
    {
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: expect.objectContaining({ spec: { token: TOKEN, audiences: ['fuseboard'] } }),
    },
  ]);
});

it('takes labels from the pod and not from the agent', async () => {
  expect(await reviewer().labels(IDENTITY, { app: 'forged' })).toEqual({ app: 'web' });
  expect(asked[0]!.path).toBe('/api/v1/namespaces/shop/pods/checkout-1');
});

it.each<[string, object, string, number]>([
  ['is not genuine', { authenticated: false }, 'bad-token', 401],
  ['has an answer without a status', {}, 'bad-token', 401],
  ['is meant for somebody else', { ...ACCEPTED, audiences: ['other'] }, 'wrong-audience', 401],
  ['was reviewed by one that ignores audiences', { ...ACCEPTED, audiences: undefined }, 'wrong-audience', 401],
  ['is a person', { ...ACCEPTED, user: { username: 'jane' } }, 'not-an-account', 403],
  ['has no pod', { ...ACCEPTED, user: { ...ACCEPTED.user, extra: {} } }, 'no-pod', 403],
])('refuses a token that %s', async (_what, status, reason, code) => {
  review.body = { status };
  await expect(reviewer().identify(shown, 'stream')).rejects.toMatchObject(deny(reason, code));
});

it('refuses a namespace that is not watched, without asking for its pod', async () => {
  await expect(reviewer(false, ['bank']).identify(shown, 'stream')).rejects.toMatchObject(deny('not-watched', 403));
  expect(await reviewer(false, ['bank', 'shop']).identify(shown, 'stream')).toEqual(IDENTITY);
});

it('serves a token without a pod where that is allowed, with the labels that its agent says', async () => {
  review.body = { status: { ...ACCEPTED, user: { username: ACCEPTED.user.username } } };
  const lenient = reviewer(true);
  const agentIdentity = await lenient.identify(shown, 'stream');
  expect(agentIdentity).toEqual({ namespace: 'shop', expiresAt: EXPIRES });
  expect(await lenient.labels(agentIdentity, { app: 'x' })).toEqual({ app: 'x' });
});

it.each([
  ['gone', 404, { message: 'not found' }],
  ['another one of the same name', 200, { metadata: { uid: 'u2', labels: { app: 'web' } } }],
])('refuses an agent whose pod is %s', async (_what, code, body) => {
  pod = { code, body };
  await expect(reviewer().labels(IDENTITY, {})).rejects.toMatchObject(deny('pod-gone', 403));
});

it('asks once in 14 s for one token, however many ask at once', async () => {
  const one = reviewer();
  await Promise.all([one.identify(shown, 'stream'), one.identify(shown, 'report')]);
  now += 13_999;
  await one.identify(shown, 'report');
  expect(asked).toHaveLength(1);
  now += 1;
  review.body = { status: { authenticated: false } };
  await expect(one.identify(shown, 'report')).rejects.toMatchObject(deny('bad-token', 401));
  expect(asked).toHaveLength(2);
});

it('refuses a token from the moment it expires, whatever was found before', async () => {
  const one = reviewer();
  now = EXPIRES - 1;
  await one.identify(shown, 'stream');
  now = EXPIRES;
  await expect(one.identify(shown, 'report')).rejects.toMatchObject(deny('expired', 401));
});

it.each([401, 403, 404, 429, 500])(
  'says 503, and to whom it belongs, when the review itself is answered %i',
  async (code) => {
    review = { code, body: { message: 'no' } };
    const one = reviewer();
    await expect(one.identify(shown, 'stream')).rejects.toMatchObject(deny('unavailable', 503));
    await expect(one.identify(shown, 'stream')).rejects.toMatchObject(deny('unavailable', 503));
    const advice =
      code === 403 ? "grant the operator's account the verb create on tokenreviews" : 'agents are told to retry';
    expect(warnings).toEqual([`cannot create tokenreviews (${code}): no; ${advice}`]);
    review = { code: 201, body: { status: ACCEPTED } };
    expect(await one.identify(shown, 'stream')).toEqual(IDENTITY);
  },
);

it('allows a known agent to report for ten minutes while nothing can be reviewed, and accepts no new stream', async () => {
  const one = reviewer();
  await one.identify(shown, 'stream');
  review = { code: 500, body: {} };
  now += 20_000;
  await expect(one.identify(shown, 'stream')).rejects.toMatchObject(deny('unavailable', 503));
  expect(await one.identify(shown, 'report')).toEqual(IDENTITY);
  now += 590_000;
  await expect(one.identify(shown, 'report')).rejects.toMatchObject(deny('unavailable', 503));
});

describe('a flood of made-up tokens', () => {
  let forged = 0;
  const forge = (address: string) => {
    forged += 1;
    return { authorization: `Bearer forged-${forged}`, namespace: undefined, address };
  };
  /** The API server in the test knows the genuine tokens. */
  const discerning = () => {
    server.removeAllListeners('request');
    server.on('request', async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      asked.push({ path: request.url! });
      const status = text.includes('forged') ? { authenticated: false } : ACCEPTED;
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ status }));
    });
  };
  beforeEach(discerning);

  it('costs no more reviews than an address may have bad tokens, and is not even let wait then', async () => {
    const one = reviewer();
    for (let i = 0; i < 3; i += 1) {
      one.screen(forge('10.6.6.6'));
      await expect(one.identify(forge('10.6.6.6'), 'stream')).rejects.toMatchObject(deny('bad-token', 401));
    }
    for (let i = 0; i < 100; i += 1) {
      expect(() => one.screen(forge('10.6.6.6'))).toThrow(expect.objectContaining(deny('flood', 503)));
      await expect(one.identify(forge('10.6.6.6'), 'report')).rejects.toMatchObject(deny('flood', 503));
    }
    expect(asked).toHaveLength(3);
    now += 20_000;
    await expect(one.identify(forge('10.6.6.6'), 'stream')).rejects.toMatchObject(deny('bad-token', 401));
    await expect(one.identify(forge('10.6.6.6'), 'stream')).rejects.toMatchObject(deny('flood', 503));
  });

  it('keeps nobody out who is known, from the same address, and no new one from another', async () => {
    const one = reviewer();
    await one.identify({ ...shown, address: '10.6.6.6' }, 'stream');
    for (let i = 0; i < 9; i += 1) await one.identify(forge('10.6.6.6'), 'stream').catch(() => {});
    now += 14_000;
    one.screen({ ...shown, address: '10.6.6.6' });
    expect(await one.identify({ ...shown, address: '10.6.6.6' }, 'report')).toEqual(IDENTITY);
    const another = { ...shown, authorization: `Bearer ${TOKEN}2`, address: '10.0.0.2' };
    one.screen(another);
    expect(await one.identify(another, 'stream')).toMatchObject({ namespace: 'shop' });
  });

  it('from ever new addresses costs as many reviews a second as there may be new streams', async () => {
    const one = reviewer();
    await one.identify(shown, 'stream');
    const attempts = Array.from({ length: 200 }, (_, i) =>
      one.identify(forge(`10.7.0.${i}`), 'stream').catch(({ reason }) => reason),
    );
    const reasons = await Promise.all(attempts);
    expect(reasons.filter((reason) => reason === 'bad-token')).toHaveLength(19);
    expect(reasons.filter((reason) => reason === 'unavailable')).toHaveLength(181);
    now += 14_000;
    expect(await one.identify(shown, 'report')).toEqual(IDENTITY);
  });

  it('is answered from memory when a token comes again', async () => {
    const one = reviewer();
    const same = forge('10.6.6.6');
    for (let i = 0; i < 50; i += 1)
      await expect(one.identify(same, 'stream')).rejects.toMatchObject(deny('bad-token', 401));
    expect(asked).toHaveLength(1);
  });

  it('does not make good tokens pay for trouble of ours', async () => {
    const one = reviewer();
    server.removeAllListeners('request');
    server.on('request', (_request, response) => void response.writeHead(500).end('{}'));
    for (let i = 0; i < 9; i += 1) {
      await expect(one.identify(shown, 'stream')).rejects.toMatchObject(deny('unavailable', 503));
    }
    discerning();
    expect(await one.identify(shown, 'stream')).toEqual(IDENTITY);
  });
});

it('keeps its connection to the API server from one review to the next, and opens another when that is cut', async () => {
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const one = reviewer();
  for (let i = 0; i < 5; i += 1) {
    await one.identify({ ...shown, authorization: `Bearer ${TOKEN}${i}` }, 'stream');
  }
  expect(connections).toBe(1);
  server.closeAllConnections();
  await one.identify({ ...shown, authorization: `Bearer ${TOKEN}x` }, 'stream');
  expect(connections).toBe(2);
});
