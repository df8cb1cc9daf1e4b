import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { FakeTime } from '../../../test/fake-time.ts';
import { MemoryApi } from '../../../test/memory-api.ts';
import { unappliedRow as row } from '../../../test/policies.ts';
import { KubeError } from '../api/client.ts';
import { AggregatePublisher, readShard } from './aggregates.ts';

const PATH = '/api/v1/namespaces/ops/configmaps/own-0';

let time: FakeTime;
let api: MemoryApi;
let lines: string[];
let publisher: AggregatePublisher;

beforeEach(() => {
  time = new FakeTime();
  api = new MemoryApi();
  lines = [];
  const note = (_facts: object, message: string) => void lines.push(message);
  publisher = new AggregatePublisher({
    ...{ client: api.client, namespace: 'ops', name: 'own', labels: { of: 'set' }, replica: 'r', boot: 'x' },
    ...{ sleep: time.sleep, log: { info: note, warn: note } },
  });
});
afterEach(async () => {
  api.failure = () => undefined;
  await publisher.stop(1_000);
  jest.restoreAllMocks();
});

const put = (uid: string, matched: number) => publisher.put(uid, row(uid, matched));
const stored = () => readShard(api.objects.get(PATH)!);

it('stores all counts of one turn with one write', async () => {
  put('a', 1);
  put('b', 2);
  put('a', 3);
  await time.advance(0);
  expect(api.writes).toEqual([`PUT ${PATH}`, 'POST /api/v1/namespaces/ops/configmaps']);
  expect(stored()).toEqual({ replica: 'r', boot: 'x', sequence: 1, rows: [row('a', 3), row('b', 2)] });
  expect(api.objects.get(PATH)!.metadata.labels).toEqual({ of: 'set' });
});

it('writes once a second at most, and only what changed', async () => {
  put('a', 1);
  await time.advance(0);
  put('a', 2);
  put('a', 1);
  await time.advance(5_000);
  expect(stored().sequence).toBe(1);
  put('a', 3);
  await time.advance(0);
  put('a', 4);
  await time.advance(999);
  expect(stored().rows).toEqual([row('a', 3)]);
  await time.advance(1);
  expect(stored().rows).toEqual([row('a', 4)]);
});

it('retries with growing delays, logs the failure once and the recovery, and stores the newest counts', async () => {
  let requests = 0;
  api.failure = () => {
    requests += 1;
    return new KubeError('no answer');
  };
  put('a', 1);
  await time.advance(60_000);
  expect(requests).toBeGreaterThan(3);
  expect(requests).toBeLessThan(12);
  put('a', 2);
  api.failure = () => undefined;
  await time.advance(30_000);
  expect(stored().rows).toEqual([row('a', 2)]);
  expect(lines).toEqual([
    expect.stringMatching(/^the counts of this replica cannot be stored/),
    'the counts of this replica can be stored again',
  ]);
});

it('waits as long as the API server asks', async () => {
  api.failure = () => new KubeError('slow down', 429, 120_000);
  put('a', 1);
  await time.advance(0);
  api.failure = () => undefined;
  await time.advance(119_999);
  expect(api.objects.size).toBe(0);
  await time.advance(1);
  expect(stored().rows).toEqual([row('a', 1)]);
});

it('stores a ConfigMap again that is missing in two successive lists', async () => {
  put('a', 1);
  await time.advance(1_000);
  api.objects.delete(PATH);
  publisher.found([]);
  publisher.found(['own-0']);
  publisher.found([]);
  await time.advance(1_000);
  expect(api.objects.size).toBe(0);
  publisher.found([]);
  await time.advance(1_000);
  expect(stored()).toMatchObject({ sequence: 2, rows: [row('a', 1)] });
});

it('deletes the ConfigMap with its last policy', async () => {
  put('a', 1);
  await time.advance(1_000);
  publisher.put('a', undefined);
  await time.advance(1_000);
  expect(api.objects.size).toBe(0);
  expect(publisher.names).toEqual([]);
});

it('removes its ConfigMaps when it stops, writes nothing after that, and logs when it cannot', async () => {
  put('a', 1);
  await time.advance(1_000);
  api.failure = () => new KubeError('no answer');
  await publisher.stop(1_000);
  expect(lines).toEqual(['a ConfigMap of this replica was not removed; the leader does that']);
  api.failure = () => undefined;
  await publisher.stop(1_000);
  expect(api.objects.size).toBe(0);
  put('a', 2);
  await time.advance(10_000);
  expect(api.objects.size).toBe(0);
});
