import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed } from './installed.ts';
import { makePod, openStream, podToken } from './pods.ts';

const ATTEMPTS = 10_000;
const AT_ONCE = 40;

let cluster: Cluster;
let installed: Installed;
let operator: OperatorProcess;
let genuine: string;

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster, { agents: { maxStreamsPerSecond: 1_000_000 } });
  await cluster.namespace('shop');
  await makePod(cluster, 'shop', 'checkout-1');
  await eventually(() => cluster.apply(policy('shop', 'payments', { breakers: ['secret-partner'] })));
  // All of them come from one address, and each is to be looked at.
  operator = await installed.startOperator('--max-bad-tokens=1000000');
  genuine = await podToken(cluster, 'shop', 'checkout-1');
}, 600_000);

afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

/** mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const bytes = (token: string) =>
  token
    .split('.')
    .map((one) => Buffer.from(one, 'base64url').toString('hex'))
    .join('.');

/** A header that is not that of the genuine token, however near to it. */
function forge(token: string, draw: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)]!;
  const [head, body, signature] = token.split('.') as [string, string, string];
  const claims = json(body);
  const at = Math.floor(draw() * token.length);
  const forged = pick([
    () => token.slice(0, at) + pick([...ALPHABET]) + token.slice(at + 1),
    () => token.slice(0, at),
    () => token.slice(at),
    () => token.slice(0, at) + token.slice(at + 1),
    () => [part({ alg: 'none' }), body, ''].join('.'),
    () => [part({ ...json(head), alg: pick(['none', 'HS256', 'ES256']) }), body, signature].join('.'),
    () => [part({ ...json(head), kid: String(at) }), body, signature].join('.'),
    () => [head, part({ ...claims, aud: pick([['fuseboard', 'x'], 'fuseboard', []]) }), signature].join('.'),
    () => [head, part({ ...claims, exp: claims.exp + at + 1 }), signature].join('.'),
    () => [head, part({ ...claims, sub: `system:serviceaccount:bank:${at}` }), signature].join('.'),
    () =>
      [head, body, Buffer.from(Array.from({ length: 256 }, () => Math.floor(draw() * 256))).toString('base64url')].join(
        '.',
      ),
    () => Array.from({ length: at }, () => pick([...ALPHABET, '.'])).join(''),
    () => `${token}.${token}`,
    () => '',
  ])();
  return bytes(forged) === bytes(token)
    ? ''
    : pick(['Bearer ', 'bearer ', 'Bearer  ', 'Basic ', 'Token ', '']) + forged;
}

it(`leaks no policy in ${ATTEMPTS} forged attempts, and then serves who is genuine`, async () => {
  const draw = random(20_260_101);
  const sockets = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca: readFileSync(installed.file('ca.crt')) });
  const statuses = new Map<number, number>();
  const attempt = () =>
    new Promise<void>((resolve, reject) => {
      const query = new URLSearchParams({ service: 's', instance: 'i', boot: 'f'.repeat(32), namespace: 'shop' });
      const url = `https://localhost:${operator.agentsPort}/v1/stream?${query}`;
      const request = get(url, { agent: sockets, headers: { authorization: forge(genuine, draw) } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (text.includes('secret-partner'))
            request.destroy(new Error(`a policy for ${request.getHeader('authorization')}`));
        });
        response.on('end', () => {
          statuses.set(response.statusCode!, (statuses.get(response.statusCode!) ?? 0) + 1);
          resolve();
        });
        response.on('error', reject);
      });
      request.setTimeout(20_000, () => request.destroy(new Error('no answer')));
      request.on('error', reject);
    });
  let left = ATTEMPTS;
  const worker = async () => {
    while (left-- > 0) await attempt();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  sockets.destroy();
  expect([...statuses.keys()].filter((status) => ![401, 403].includes(status))).toEqual([]);
  expect(statuses.get(401)).toBe(ATTEMPTS);

  const served = await openStream(operator.agentsPort, installed.file('ca.crt'), genuine);
  expect([served.status, served.text]).toEqual([200, expect.stringContaining('secret-partner')]);
  const denied = /fuseboard_agents_denied_total\{reason="bad-token"\} (\d+)/.exec(await operator.metrics());
  expect(Number(denied?.[1])).toBeGreaterThan(ATTEMPTS / 3);
}, 240_000);
