import { afterEach, expect, it, jest } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { Registry } from 'prom-client';
import { addPending, type PendingChange } from '../src/core/delivery/pending-changes.ts';
import { RestoreDetector } from '../src/core/delivery/restore-detector.ts';
import type { Snapshot } from '../src/core/delivery/snapshot.ts';
import { SnapshotCache } from '../src/core/delivery/snapshot-cache.ts';
import { Fleet } from '../src/core/fleet/fleet.ts';
import { CACHE_LIMITS } from '../src/core/limits/cache-limits.ts';
import { hitServices, Outage, type OutageSubject } from '../src/core/outages/outage.ts';
import { FairBudget } from '../src/core/rate-limit/fair-budget.ts';
import { Ring } from '../src/core/ring.ts';
import { SLOTS } from '../src/core/slots.ts';
import { encodeCommit } from '../src/http/agents/commit.ts';
import { KubeClient } from '../src/kube/api/client.ts';
import { AccessReviewer } from '../src/kube/auth/access-review.ts';
import { TokenReviewer } from '../src/kube/auth/token-review.ts';
import { TokenReviewLimiter } from '../src/kube/auth/token-review-limiter.ts';
import { EventRecorder } from '../src/kube/write/events.ts';
import { agentMetrics } from '../src/metrics/agents.ts';
import { readingInto } from '../src/metrics/reading.ts';
import { policy } from './memory-source.ts';

const clock = { now: () => 1_000 };
const log = { info() {}, warn() {} };
const kubeConfig = new KubeConfig();
kubeConfig.loadFromClusterAndUser({ name: 'c', server: 'http://127.0.0.1:1', skipTLSVerify: true }, { name: 'u' });

afterEach(() => void jest.restoreAllMocks());

/** Answers every request to the API server with this status of a review; returns how many there were. */
function answering(status: object): () => number {
  const asked = jest.spyOn(KubeClient.prototype, 'request').mockResolvedValue({ status });
  return () => asked.mock.calls.length;
}

const VALID = { authenticated: true, audiences: ['a'], user: { username: 'system:serviceaccount:shop:checkout' } };

/** Whether the token that was used first is still known after so many others. */
async function tokenStays(status: object, others: number): Promise<boolean> {
  const asked = answering(status);
  const limiter = new TokenReviewLimiter({ perSecond: 1e9, badPerAddress: 1e9, clock });
  const options = { audience: 'a', withoutPod: true, namespaces: [], goodForMs: 1_000, limiter, log, ...clock };
  const reviewer = new TokenReviewer({ kubeConfig, ...options });
  const use = (token: string) => {
    const shown = { authorization: `Bearer ${token}`, namespace: undefined, address: '10.0.0.1' };
    return reviewer.identify(shown, 'stream').catch(() => {});
  };
  await use('first');
  for (let i = 0; i < others; i += 1) await use(`t${i}`);
  const before = asked();
  await use('first');
  return asked() === before;
}

function outage(): Outage {
  const subject: OutageSubject = {
    ...{ id: 'i', namespace: 'default', uid: 'u', breaker: 'payments', agents: 1, heardAt: 0 },
    ...{ states: { open: 1, halfOpen: 0 }, services: new Map(), counted: new Ring(SLOTS, 5) },
  };
  return Outage.begin('o', subject, { at: 0, instance: 'pod', labels: {} });
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Adds one entry to a collection and then others; resolves to whether nothing made room. */
const KEEPS_ALL: Record<keyof typeof CACHE_LIMITS, (others: number) => boolean | Promise<boolean>> = {
  'reviewed-tokens': (others) => tokenStays(VALID, others),
  'refused-tokens': (others) => tokenStays({ authenticated: false }, others),
  'token-payers'(others) {
    const limiter = new TokenReviewLimiter({ perSecond: 1e9, badPerAddress: 1, clock });
    limiter.take({ address: 'first' });
    for (const i of numbered(others)) limiter.take({ address: `${i}` });
    try {
      limiter.check({ address: 'first' });
      return false;
    } catch {
      return true;
    }
  },
  'rate-budgets'(others) {
    const budget = new FairBudget({ perKey: 1, total: 1e9, clock });
    budget.take('first');
    for (const i of numbered(others)) budget.take(`${i}`);
    return budget.take('first') === 'own';
  },
  async 'admin-reviews'(others) {
    const asked = answering({ ...VALID, allowed: true });
    const reviewer = new AccessReviewer({ kubeConfig, log, ...clock });
    const user = { name: 'ann', groups: [] };
    const decide = (namespace: string) =>
      reviewer.check(user, { verb: 'get', resource: 'circuitbreakerpolicies', namespace });
    await reviewer.user('Bearer first');
    for (const i of numbered(others)) await reviewer.user(`Bearer ${i}`);
    await decide('first');
    for (const i of numbered(others)) await decide(`${i}`);
    const before = asked();
    await reviewer.user('Bearer first');
    const afterToken = asked();
    await decide('first');
    expect(asked() - afterToken).toBe(afterToken - before);
    return asked() === before;
  },
  'restore-lags'(others) {
    let now = 0;
    const detector = new RestoreDetector(1, { now: () => now });
    const lag = (pod: string) => detector.observeLag({ namespace: 'shop', pod }, { policies: '1' }, { policies: '2' });
    lag('first');
    for (const i of numbered(others)) lag(`${i}`);
    now = 1;
    return lag('first');
  },
  audiences(others) {
    const snapshots = new SnapshotCache();
    const selector = { matchLabels: { app: 'first' } };
    snapshots.update([policy('a', { spec: { breakers: ['a'], selector, trip: { consecutiveFailures: 3 } } })]);
    const first = snapshots.snapshot('default', { app: 'first' });
    for (const i of numbered(others)) snapshots.snapshot('default', { app: `${i}` });
    return snapshots.snapshot('default', { app: 'first' }) === first;
  },
  'shared-labels'(others) {
    const fleet = new Fleet();
    const join = (boot: string, app: string) =>
      fleet.connect({ namespace: 'default', boot, service: 's', instance: boot, labels: { app } }, 0);
    const { labels } = join('first', 'first').identity;
    for (const i of numbered(others)) join(`${i}`, `${i}`);
    return join('again', 'first').identity.labels === labels;
  },
  'pending-changes'(others) {
    let pending: readonly PendingChange[] = [];
    for (const i of numbered(others + 1)) pending = addPending(pending, { revision: `${i}`, seenAt: i });
    return pending.length === others + 1;
  },
  'encoded-commits'(others) {
    const snapshotWith = (name: string): Snapshot => {
      const snapshots = new SnapshotCache();
      snapshots.update([policy(name)]);
      return snapshots.snapshot('default', {});
    };
    const offer = { snapshot: snapshotWith('offered'), asOf: undefined };
    const first = snapshotWith('first');
    const [bytes] = [...encodeCommit(first, offer, 0)];
    for (const i of numbered(others)) encodeCommit(snapshotWith(`${i}`), offer, 0);
    return [...encodeCommit(first, offer, 0)][0] === bytes;
  },
  'outage-labels'(others) {
    const found = outage();
    return numbered(others + 1).every((i) => found.addHit({ app: `${i}` }));
  },
  'outage-actions'(others) {
    const found = outage();
    found.addHit({});
    for (const i of numbered(others + 1)) {
      const acted = { uid: `${i}`, name: `${i}`, at: 0, until: 1, namespace: 'default', breakers: ['payments'] };
      found.act({ ...acted, action: 'ForceOpen' });
    }
    return found.actions.length === others + 1;
  },
  'outage-services': (others) =>
    hitServices(new Map(numbered(others + 1).map((i) => [`${i}`, { agents: 1, notClosed: 1 }]))).length === others + 1,
  async 'library-versions'(others) {
    const fleet = new Fleet();
    const registry = new Registry();
    agentMetrics(readingInto(registry), fleet, clock);
    for (const i of numbered(others + 1)) {
      const library = { language: 'node', version: `1.${i}` };
      fleet.connect({ namespace: 'default', boot: `${i}`, service: 's', instance: 'i', labels: {}, ...library }, 1_000);
    }
    return !(await registry.metrics()).includes('version="other"');
  },
  'event-subjects'(others) {
    const recorder = new EventRecorder(new KubeClient(kubeConfig), 'replica');
    const event = { type: 'Normal', reason: 'Programmed', message: '' } as const;
    recorder.record(policy('first'), event);
    for (const i of numbered(others)) recorder.record(policy(`${i}`), event);
    return recorder.forget('uid-first').length > 0;
  },
};

it.each(Object.keys(CACHE_LIMITS) as (keyof typeof CACHE_LIMITS)[])(
  '%s holds as many entries as its limit',
  async (name) => {
    const { entries } = CACHE_LIMITS[name];
    expect(await KEEPS_ALL[name](entries - 1)).toBe(true);
    expect(await KEEPS_ALL[name](entries)).toBe(false);
  },
);
