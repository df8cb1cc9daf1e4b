import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { FakeTime } from '../../../test/fake-time.ts';
import { MemoryApi } from '../../../test/memory-api.ts';
import { KubeError } from '../api/client.ts';
import { Elector, LeaseClient } from './lease.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/ops/leases/fuseboard';
const TIMES = { leaseMs: 15_000, deadlineMs: 10_000, retryMs: 2_000 };

let time: FakeTime;
let api: MemoryApi;
let lines: string[];
let elections: string[];
let electors: Elector[];

beforeEach(() => {
  time = new FakeTime();
  api = new MemoryApi();
  lines = [];
  elections = [];
  electors = [];
});
afterEach(async () => {
  api.failure = () => undefined;
  for (const elector of electors) await elector.stop(1_000);
  jest.restoreAllMocks();
});

function elect(identity: string): Elector {
  const note = (_facts: object, message: string) => void lines.push(message);
  const elector = new Elector({
    ...{ identity, times: TIMES, clock: time, sleep: time.sleep, log: { info: note, warn: note } },
    leases: new LeaseClient({ client: api.client, namespace: 'ops', name: 'fuseboard' }),
    elected: () => void elections.push(identity),
  });
  electors.push(elector);
  elector.start();
  return elector;
}

const holder = () => (api.objects.get(PATH)?.spec as { holderIdentity?: string } | undefined)?.holderIdentity;
const holdBy = (holderIdentity: string) =>
  api.put(PATH, {
    metadata: { name: 'fuseboard', namespace: 'ops' },
    spec: { holderIdentity, leaseDurationSeconds: 15 },
  });
const unanswered = () => new KubeError('no answer');

it('takes a free Lease at once, and leads for the deadline after each renewal', async () => {
  const elector = elect('a');
  expect(elector.leadingForMs).toBe(0);
  await time.advance(0);
  expect([elector.leadingForMs, elector.term, holder()]).toEqual([10_000, 1, 'a']);
  await time.advance(60_000);
  expect(elector.leadingForMs).toBeGreaterThan(10_000 - 2_200);
  expect(elections).toEqual(['a']);
  expect(lines).toEqual(['leading']);
});

it('leaves the Lease to a leader that renews it, and takes it as soon as that one resigns', async () => {
  const first = elect('a');
  await time.advance(0);
  const second = elect('b');
  await time.advance(120_000);
  expect([first.leadingForMs > 0, second.leadingForMs]).toEqual([true, 0]);
  await first.stop(1_000);
  expect([first.leadingForMs, holder()]).toEqual([0, '']);
  await time.advance(2_200);
  expect([second.leadingForMs > 0, holder()]).toEqual([true, 'b']);
  expect(elections).toEqual(['a', 'b']);
});

it('takes the Lease of a silent leader only after its duration', async () => {
  holdBy('dead');
  const elector = elect('a');
  await time.advance(14_999);
  expect([elector.leadingForMs, holder()]).toEqual([0, 'dead']);
  await time.advance(2_201);
  expect(holder()).toBe('a');
});

it('stops leading at the deadline when renewals fail, says so once, and leads again in another term', async () => {
  const elector = elect('a');
  await time.advance(0);
  api.failure = unanswered;
  await time.advance(9_999);
  expect(elector.leadingForMs).toBeGreaterThan(0);
  await time.advance(2_201);
  expect(elector.leadingForMs).toBe(0);
  await time.advance(60_000);
  expect(lines).toEqual([
    'leading',
    expect.stringMatching(/^the Lease of the leader cannot be read or/),
    'no longer the leader',
  ]);
  api.failure = () => undefined;
  await time.advance(2_200);
  expect([elector.leadingForMs > 0, elector.term, elections.length]).toEqual([true, 2, 2]);
});

it('logs no conflict, which the next read resolves', async () => {
  let conflicts = 0;
  api.failure = (method) => {
    if (method !== 'POST' || conflicts > 0) return undefined;
    conflicts += 1;
    return new KubeError('conflict', 409);
  };
  elect('a');
  await time.advance(2_200);
  expect([conflicts, holder(), lines]).toEqual([1, 'a', ['leading']]);
});

it('writes nothing when it stops without having led, and logs a Lease that it cannot release', async () => {
  holdBy('other');
  const waiting = elect('a');
  await time.advance(0);
  await waiting.stop(1_000);
  expect(holder()).toBe('other');
  holdBy('');
  const leading = elect('b');
  await time.advance(0);
  api.failure = unanswered;
  await leading.stop(1_000);
  expect([holder(), lines.at(-1)]).toEqual(['b', 'the Lease of the leader was not released; it expires']);
});
