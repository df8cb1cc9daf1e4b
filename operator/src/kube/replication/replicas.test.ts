import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { FakeTime, turns } from '../../../test/fake-time.ts';
import { MemoryApi } from '../../../test/memory-api.ts';
import { unappliedRow as row } from '../../../test/policies.ts';
import { type AggregateChange, Aggregates } from '../../core/replication/aggregates.ts';
import { encodeRow } from './aggregates.ts';
import { KubernetesReplicas, SET_LABEL } from './replicas.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/ops/leases';
const MAPS = '/api/v1/namespaces/ops/configmaps';
const TIMES = { leaseMs: 15_000, deadlineMs: 10_000, retryMs: 2_000, renewMs: 10_000, expiryMs: 30_000 };

let time: FakeTime;
let api: MemoryApi;
let lines: string[];
let heard: unknown[];
let aggregates: Aggregates;
let replicas: KubernetesReplicas;

beforeEach(() => {
  // Only the sweep has a timer of its own; everything else waits by the clock of the test.
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'setTimeout'],
  });
  time = new FakeTime();
  api = new MemoryApi();
  lines = [];
  heard = [];
  aggregates = new Aggregates();
  const note = (_facts: object, message: string) => void lines.push(message);
  replicas = new KubernetesReplicas({
    ...{ kubeConfig: api.kubeConfig, namespace: 'ops', name: 'fb', replica: 'own', times: TIMES },
    ...{ clock: time, sleep: time.sleep, log: { info: note, warn: note } },
  });
});
afterEach(async () => {
  await replicas.stop();
  jest.useRealTimers();
  jest.restoreAllMocks();
});

async function start(): Promise<void> {
  replicas.start(aggregates, {
    changed: (changes: readonly AggregateChange[]) => void heard.push(changes.map(({ uid, after }) => [uid, after])),
    elected: () => void heard.push('elected'),
    regrouped: (left) => void heard.push(left ? 'left' : 'regrouped'),
  });
  await time.advance(0);
}

/** Lets seconds pass, with a sweep in each. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await time.advance(1_000);
    jest.advanceTimersByTime(1_000);
    await turns();
  }
}

const labelled = (name: string, replica: string) => ({
  ...{ name, namespace: 'ops' },
  labels: { [SET_LABEL]: 'fb', 'fuseboard.dev/replica': replica },
});
const beat = (replica: string, boot: string) =>
  api.put(`${LEASES}/fb-replica-${replica}`, {
    metadata: labelled(`fb-replica-${replica}`, replica),
    spec: { holderIdentity: `${replica}_${boot}` },
  });
const publish = (replica: string, boot: string, policies: string) =>
  api.put(`${MAPS}/fb-replica-${replica}-0`, {
    metadata: labelled(`fb-replica-${replica}-0`, replica),
    data: { replica, boot, sequence: '1', policies },
  });

it('renews its Lease, is elected when it is alone, and publishes its counts', async () => {
  expect([replicas.leading, replicas.permit]).toEqual([false, undefined]);
  await start();
  expect(heard).toEqual(['elected']);
  expect(replicas.permit).toEqual({ term: 1, forMs: 10_000 });
  aggregates.setOwn(row('a'));
  replicas.publish('a');
  await time.advance(0);
  expect([...api.objects.keys()].sort()).toEqual([
    `${MAPS}/fb-replica-own-0`,
    `${LEASES}/fb`,
    `${LEASES}/fb-replica-own`,
  ]);
});

it('counts another replica once its Lease changes, and again after a restart', async () => {
  beat('b', 'x');
  publish('b', 'x', encodeRow(row('a')));
  await start();
  expect(heard).toEqual(['regrouped', 'elected']);
  beat('b', 'x');
  expect(heard.slice(2)).toEqual([[['a', row('a')]], 'regrouped']);
  expect(aggregates.merged('a', 'd').counts.agents.matched).toBe(1);
  beat('b', 'y');
  expect(heard.slice(4)).toEqual([[['a', undefined]], 'left']);
  publish('b', 'y', encodeRow(row('a', 2)));
  expect(aggregates.merged('a', 'd').counts.agents.matched).toBe(2);
});

it('leaves a ConfigMap out that it cannot read, and says so once', async () => {
  publish('b', 'x', 'not a row');
  await start();
  await pass(3);
  expect(lines.filter((line) => line === 'a ConfigMap of a replica cannot be read')).toHaveLength(1);
});

it('drops a silent replica from the counts after its expiry, and removes its objects as the leader', async () => {
  await start();
  beat('b', 'x');
  publish('b', 'x', encodeRow(row('a')));
  await pass(29);
  expect(aggregates.merged('a', 'd').counts.agents.matched).toBe(1);
  await pass(2);
  expect(aggregates.merged('a', 'd').counts.agents.matched).toBe(0);
  expect(heard.at(-1)).toBe('regrouped');
  expect(lines).toContain('silent replicas were removed from the counts');
  await pass(5);
  expect([...api.objects.keys()].filter((path) => path.includes('replica-b'))).toEqual([]);
});

it('removes the ConfigMaps of a former process under its name, and stores its own again', async () => {
  publish('own', 'before', encodeRow(row('old')));
  api.put(`${MAPS}/fb-replica-own-1`, {
    metadata: labelled('fb-replica-own-1', 'own'),
    data: { replica: 'own', boot: 'before', sequence: '1', policies: encodeRow(row('old')) },
  });
  await start();
  aggregates.setOwn(row('a'));
  replicas.publish('a');
  await pass(2);
  expect([...api.objects.keys()].filter((path) => path.startsWith(MAPS))).toEqual([`${MAPS}/fb-replica-own-0`]);
  expect(JSON.stringify(api.objects.get(`${MAPS}/fb-replica-own-0`))).not.toContain('old');
});

it('releases the leadership and removes its objects when it stops', async () => {
  await start();
  aggregates.setOwn(row('a'));
  replicas.publish('a');
  await time.advance(0);
  await replicas.stop();
  expect(replicas.leading).toBe(false);
  expect([...api.objects.keys()]).toEqual([`${LEASES}/fb`]);
  expect(api.objects.get(`${LEASES}/fb`)!.spec).toMatchObject({ holderIdentity: '' });
});
