import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { FakeTime } from '../../../test/fake-time.ts';
import { MemoryApi } from '../../../test/memory-api.ts';
import { KubeError } from '../api/client.ts';
import { bootOf, LeaseHeartbeat } from './heartbeat.ts';
import { type Lease, LeaseClient } from './lease.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/ops/leases/own';

let time: FakeTime;
let api: MemoryApi;
let lines: string[];
let forgotten: number;
let heartbeat: LeaseHeartbeat;

beforeEach(async () => {
  time = new FakeTime();
  api = new MemoryApi();
  lines = [];
  forgotten = 0;
  const note = (_facts: object, message: string) => void lines.push(message);
  heartbeat = new LeaseHeartbeat({
    ...{ replica: 'r', boot: 'x', renewMs: 10_000, expiryMs: 30_000, sleep: time.sleep },
    leases: new LeaseClient({ client: api.client, namespace: 'ops', name: 'own' }),
    log: { info: note, warn: note },
    forgotten: () => {
      forgotten += 1;
    },
  });
  heartbeat.start();
  await time.advance(0);
});
afterEach(async () => {
  api.failure = () => undefined;
  await heartbeat.stop(1_000);
  jest.restoreAllMocks();
});

const lease = () => api.objects.get(PATH) as Lease | undefined;

it('writes its Lease at once and once in each period, with its boot id', async () => {
  expect([bootOf(lease()!), lease()!.spec?.leaseDurationSeconds]).toEqual(['x', 30]);
  await time.advance(35_000);
  expect(api.writes).toHaveLength(4);
  expect(lines).toEqual([]);
});

it('retries a failed renewal after a fifth of the period, and logs the failure and the recovery', async () => {
  api.failure = () => new KubeError('no answer');
  await time.advance(10_000);
  expect(lines).toEqual([expect.stringMatching(/^the Lease of this replica cannot be written \(no answer\)/)]);
  api.failure = () => undefined;
  await time.advance(1_999);
  expect(api.writes).toHaveLength(1);
  await time.advance(1);
  expect(api.writes).toHaveLength(2);
  expect(lines.slice(1)).toEqual(['the Lease of this replica can be written again']);
});

it('creates its Lease again after others deleted it, and says so', async () => {
  api.objects.delete(PATH);
  await time.advance(12_000);
  expect([forgotten, bootOf(lease()!), lines]).toEqual([1, 'x', []]);
});

it('warns of another process with its name, and takes the Lease back', async () => {
  api.put(PATH, { metadata: { name: 'own', namespace: 'ops' }, spec: { holderIdentity: 'r_y' } });
  await time.advance(12_000);
  expect(lines).toEqual([expect.stringMatching(/^another process runs under the name of this replica/)]);
  expect([bootOf(lease()!), forgotten]).toEqual(['x', 0]);
});

it('removes its Lease when it stops, and logs when it cannot', async () => {
  await heartbeat.stop(1_000);
  expect(lease()).toBeUndefined();
  api.failure = () => new KubeError('no answer');
  await heartbeat.stop(1_000);
  expect(lines).toEqual(['the Lease of this replica was not removed; it expires']);
});
