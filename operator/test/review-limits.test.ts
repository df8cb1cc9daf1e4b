import { afterEach, expect, it, jest } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { REVIEWS_AT_ONCE } from '../src/core/limits/review-limits.ts';
import { KubeClient } from '../src/kube/api/client.ts';
import { AccessReviewer } from '../src/kube/auth/access-review.ts';
import type { Signature } from '../src/kube/auth/token-keys.ts';
import { TokenReviewer } from '../src/kube/auth/token-review.ts';
import { TokenReviewLimiter } from '../src/kube/auth/token-review-limiter.ts';

const kubeConfig = new KubeConfig();
kubeConfig.loadFromClusterAndUser({ name: 'c', server: 'http://127.0.0.1:1', skipTLSVerify: true }, { name: 'u' });
const log = { info() {}, warn() {} };
const VALID = { authenticated: true, audiences: ['a'], user: { username: 'system:serviceaccount:shop:checkout' } };

let now = 0;
const clock = { now: () => now };

afterEach(() => void jest.restoreAllMocks());

function reviewer(is: 'genuine' | 'unknown'): (token: string) => Promise<unknown> {
  const signature: Signature = is === 'genuine' ? { is, subject: 'shop' } : { is };
  const limiter = new TokenReviewLimiter({ perSecond: 1e9, badPerAddress: 1e9, clock });
  const options = { audience: 'a', withoutPod: true, namespaces: [], goodForMs: 1_000, limiter, log, ...clock };
  const made = new TokenReviewer({ kubeConfig, ...options, signatures: { check: () => signature } });
  return (token) =>
    made.identify({ authorization: `Bearer ${token}`, namespace: undefined, address: '10.0.0.1' }, 'stream');
}

const answering = () => jest.spyOn(KubeClient.prototype, 'request').mockResolvedValue({ status: VALID });
const hanging = () => jest.spyOn(KubeClient.prototype, 'request').mockReturnValue(new Promise(() => {}));

/** Whether a request waits for the API server, and is not refused. */
const waits = (asked: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    asked.then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(resolve, true)),
  ]);

/** How many of 150 requests wait. */
async function waiting(ask: (i: number) => Promise<unknown>): Promise<number> {
  let count = 0;
  for (let i = 0; i < 150; i += 1) if (await waits(ask(i))) count += 1;
  return count;
}

it('reviews so many tokens at a time that are not known', async () => {
  hanging();
  const identify = reviewer('unknown');
  expect(await waiting((i) => identify(`t${i}`))).toBe(REVIEWS_AT_ONCE.unknown);
});

it('reviews more at a time of those that the cluster signed', async () => {
  hanging();
  const identify = reviewer('genuine');
  expect(await waiting((i) => identify(`t${i}`))).toBe(REVIEWS_AT_ONCE.signed);
});

it('reviews most at a time of those that were valid before', async () => {
  const asked = answering();
  const identify = reviewer('unknown');
  for (let i = 0; i < 150; i += 1) await identify(`t${i}`);
  now += 1_000;
  asked.mockReturnValue(new Promise(() => {}));
  expect(await waiting((i) => identify(`t${i}`))).toBe(REVIEWS_AT_ONCE.all);
  await expect(identify('another')).rejects.toMatchObject({ reason: 'unavailable', status: 503 });
});

it('reviews so many tokens of users of the admin API at a time', async () => {
  hanging();
  const access = new AccessReviewer({ kubeConfig, log, ...clock });
  expect(await waiting((i) => access.user(`Bearer t${i}`))).toBe(REVIEWS_AT_ONCE.all);
});
