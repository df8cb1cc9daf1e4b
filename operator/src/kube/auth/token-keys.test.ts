import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { TokenKeys } from './token-keys.ts';
import { TokenReviewer } from './token-review.ts';
import { TokenReviewLimiter } from './token-review-limiter.ts';

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Signer {
  readonly kid: string;
  readonly alg: string;
  readonly digest: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function rsa(kid: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return { kid, alg: 'RS256', digest: 'RSA-SHA256', privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } };
}

function elliptic(kid: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, alg: 'ES256', digest: 'SHA256', privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } };
}

function tokenOf({ kid, alg, digest, privateKey }: Signer, pod: string, id = 0): string {
  const sub = 'system:serviceaccount:shop:checkout';
  const claims = { sub, jti: `${id}`, exp: 4_000_000_000, 'kubernetes.io': { namespace: 'shop', pod: { uid: pod } } };
  const signed = `${encoded({ alg, kid })}.${encoded(claims)}`;
  const signature = sign(digest, Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

const OURS = rsa('ours');
const STRANGER = rsa('ours');

let server: Server;
let published: { code: number; keys: object[] };
let revoked: (token: string) => boolean;
let asked: string[];
let now: number;
let notes: string[];

beforeEach(async () => {
  published = { code: 200, keys: [OURS.jwk] };
  revoked = () => false;
  asked = [];
  notes = [];
  now = 1_000_000;
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push(request.url!);
    const respond = (code: number, body: object) =>
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/openid/v1/jwks') {
      // As API servers do, which publish the keys in no other type.
      const accepted = request.headers.accept?.includes('application/jwk-set+json');
      respond(accepted ? published.code : 406, { keys: published.keys });
      return;
    }
    const { token } = (JSON.parse(text) as { spec: { token: string } }).spec;
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string };
    const extra = {
      'authentication.kubernetes.io/pod-name': ['checkout-1'],
      'authentication.kubernetes.io/pod-uid': ['u1'],
    };
    const user = { username: 'system:serviceaccount:shop:checkout', extra };
    const good = kid === 'ours' && !revoked(token);
    respond(201, { status: { authenticated: good, audiences: ['fuseboard'], user } });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function parts() {
  const { port } = server.address() as AddressInfo;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u', token: 'ours' },
  );
  const log = { info: (_: object, message: string) => void notes.push(message), warn: () => {} };
  return { kubeConfig, log, now: () => now };
}

/** Token keys that have been read, because a token named one of them. */
async function readKeys(token = tokenOf(OURS, 'u1')): Promise<TokenKeys> {
  const keys = new TokenKeys(parts());
  expect(keys.check(token)).toEqual({ is: 'unknown' });
  while (keys.check(token).is === 'unknown') await new Promise((resolve) => setImmediate(resolve));
  return keys;
}

describe('the signature of a token', () => {
  it.each([
    ['RSA', OURS],
    ['elliptic curve', elliptic('ours')],
  ])('of a key of type %s says for whom it was made', async (_type, signer) => {
    published.keys = [signer.jwk];
    const keys = await readKeys(tokenOf(signer, 'u1'));
    expect(keys.check(tokenOf(signer, 'u7'))).toEqual({
      is: 'genuine',
      subject: 'system:serviceaccount:shop:checkout u7',
    });
  });

  it('shows that a token was made up, or changed', async () => {
    const keys = await readKeys();
    expect(keys.check(tokenOf(STRANGER, 'u1'))).toEqual({ is: 'forged' });
    const [head, , signature] = tokenOf(OURS, 'u1').split('.');
    expect(keys.check(`${head}.${encoded({ sub: 'somebody else' })}.${signature}`)).toEqual({ is: 'forged' });
    for (const alg of ['none', 'HS256', 'ES256']) {
      const [, body, seal] = tokenOf(OURS, 'u1').split('.');
      expect(keys.check(`${encoded({ alg, kid: 'ours' })}.${body}.${seal}`)).toEqual({ is: 'forged' });
    }
  });

  it.each(['x', 'a.b.c', '..', 'a.b.c.d'])('of %p, which is none, says nothing and asks nothing', async (token) => {
    const keys = await readKeys();
    expect(keys.check(token)).toEqual({ is: 'unknown' });
    expect(asked).toHaveLength(1);
  });

  it('of a new key is known after one question, asked at most every 10 s', async () => {
    const keys = await readKeys();
    const next = rsa('next');
    for (let i = 0; i < 50; i += 1) expect(keys.check(tokenOf(next, 'u1')).is).toBe('unknown');
    expect(asked).toHaveLength(1);
    published.keys = [OURS.jwk, next.jwk];
    now += 10_000;
    while (keys.check(tokenOf(next, 'u1')).is === 'unknown') await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toHaveLength(2);
  });

  it('is unknown where the keys may not be read, which is said once', async () => {
    published.code = 403;
    const keys = new TokenKeys(parts());
    for (let i = 0; i < 3; i += 1) {
      expect(keys.check(tokenOf(OURS, 'u1')).is).toBe('unknown');
      while (asked.length <= i) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, 20));
      now += 10_000;
    }
    expect(notes).toEqual([
      'cannot read the keys of ServiceAccount tokens from /openid/v1/jwks; invalid tokens count for their address',
    ]);
  });
});

describe('a flood from one address, before sixty new pods behind it', () => {
  const address = '10.6.6.6';
  const shown = (token: string) => ({ authorization: `Bearer ${token}`, namespace: undefined, address });
  const options = async () => {
    const limiter = new TokenReviewLimiter({ perSecond: 200, badPerAddress: 3, clock: { now: () => now } });
    const rest = { audience: 'fuseboard', withoutPod: false, namespaces: [], goodForMs: 14_000, limiter };
    return { ...parts(), ...rest, signatures: await readKeys() };
  };
  const outcome = (reviewer: TokenReviewer, token: string) => {
    try {
      reviewer.screen(shown(token));
    } catch (error) {
      return Promise.resolve((error as { reason: string }).reason);
    }
    return reviewer.identify(shown(token), 'stream').then(
      () => 'good',
      ({ reason }: { reason: string }) => reason,
    );
  };
  /** Sequential requests, because the limit of concurrent reviews is not the subject of the test. */
  const newPods = async (reviewer: TokenReviewer) => {
    const outcomes = new Set<string>();
    for (let i = 0; i < 60; i += 1) outcomes.add(await outcome(reviewer, tokenOf(OURS, `good-${i}`)));
    return [...outcomes];
  };

  it('of made-up tokens costs no review and keeps nobody out', async () => {
    const reviewer = new TokenReviewer(await options());
    const forged = tokenOf(STRANGER, 'u1');
    for (let i = 0; i < 500; i += 1) expect(await outcome(reviewer, forged)).toBe('bad-token');
    expect(asked).toEqual(['/openid/v1/jwks']);
    expect(await newPods(reviewer)).toEqual(['good']);
  });

  it('of tokens with an unknown key ends at the bound of the address, and keeps nobody out whom the cluster signed', async () => {
    const reviewer = new TokenReviewer(await options());
    const other = rsa('other');
    const reasons: string[] = [];
    for (let i = 0; i < 20; i += 1) reasons.push(await outcome(reviewer, tokenOf(other, 'u1', i)));
    expect(reasons).toEqual([...Array(3).fill('bad-token'), ...Array(17).fill('flood')]);
    expect(await newPods(reviewer)).toEqual(['good']);
  });

  it('of revoked tokens of one pod ends at the bound of that pod, and keeps no other out', async () => {
    const reviewer = new TokenReviewer(await options());
    const evil = Array.from({ length: 20 }, (_, i) => tokenOf(OURS, 'evil', i));
    revoked = (token) => evil.includes(token);
    const reasons: string[] = [];
    for (const token of evil) reasons.push(await outcome(reviewer, token));
    expect(reasons).toEqual([...Array(3).fill('bad-token'), ...Array(17).fill('flood')]);
    expect(await newPods(reviewer)).toEqual(['good']);
  });
});
