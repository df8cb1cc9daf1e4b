import type { PolicyStatus } from '@fuseboard/schema';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import { FakeTime } from '../../test/fake-time.ts';
import { MemorySource, policy } from '../../test/memory-source.ts';
import type { Snapshot } from '../core/delivery/snapshot.ts';
import type { Override } from '../core/policy/override.ts';
import type { ReplicasListener } from '../ports/replicas.ts';
import { Controller } from './controller.ts';

let time: FakeTime;
let source: MemorySource;
let controller: Controller;
let listener: ReplicasListener;
let leading: boolean;
let lines: string[];
let statuses: [policy: string, PolicyStatus][];
let recorded: string[];
let forgotten: string[];

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
  time = new FakeTime();
  source = new MemorySource();
  leading = true;
  lines = [];
  statuses = [];
  recorded = [];
  forgotten = [];
  controller = new Controller({
    source,
    sink: {
      write: ({ name }, status) => void statuses.push([name, status as PolicyStatus]),
      event() {},
      forget: ({ name }) => void forgotten.push(name),
      stop: async () => {},
    },
    overrides: { create: () => Promise.reject(new Error('none is created')), remove: async () => {} },
    history: { record: ({ name }) => void recorded.push(name), forget() {} },
    replicas: {
      start(_aggregates, heard) {
        listener = heard;
      },
      get leading() {
        return leading;
      },
      publish() {},
      stop: async () => {},
    },
    log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    clock: time,
    wallClock: time.now,
    sleep: time.sleep,
  });
  controller.start();
});
afterEach(() => {
  controller.stop();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** Lets time pass for the clock and for timers, in small steps. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    await time.advance(Math.min(left, 10));
    jest.advanceTimersByTime(Math.min(left, 10));
  }
}

/** Connects an agent; returns the snapshots that it is offered, the first one included. */
function join(boot = 'x'): Snapshot[] {
  const identity = { namespace: 'default', boot, service: 's', instance: `pod-${boot}`, labels: {} };
  const agent = controller.delivery.connect(identity);
  const offered = [agent.target!];
  controller.delivery.subscribe(agent, (next) => void offered.push(next));
  return offered;
}

const edited = (generation: number) => policy('a', { generation, spec: { breakers: [`a${generation}`] } });
const override = (over: Partial<Override>): Override => ({
  ...{ kind: 'CircuitBreakerOverride', uid: 'o', namespace: 'default', name: 'o', generation: 1, createdAt: 0 },
  ...{ expiresAt: 5_000, problems: [] },
  spec: { action: 'ForceOpen', breakers: ['a'], reason: 'a test', duration: '5s' },
  ...over,
});

it('applies the first list at once, and changes of the next 100 ms as one push', async () => {
  expect(controller.synced).toBe(false);
  source.set([edited(1)]);
  await pass(10);
  expect(controller.synced).toBe(true);
  const offered = join();
  for (const generation of [2, 3, 4]) source.set([edited(generation)]);
  await pass(90);
  expect(offered).toHaveLength(1);
  await pass(20);
  expect(offered).toHaveLength(2);
  expect(lines.filter((line) => line === 'pushed policies')).toHaveLength(1);
  expect(recorded).toEqual(['a', 'a']);
});

it('writes the statuses of a round 200 ms after the change, and of a deleted policy none', async () => {
  source.set([policy('a'), policy('b')]);
  await pass(190);
  expect(statuses).toEqual([]);
  await pass(30);
  expect(statuses.map(([name]) => name)).toEqual(['a', 'b']);
  source.set([policy('a')]);
  await pass(400);
  expect([statuses.length, forgotten]).toEqual([2, ['b']]);
  expect(lines).toContain('policy removed');
});

it('computes nothing after its end, whatever is reported then', async () => {
  source.set([policy('a')]);
  await pass(400);
  const before = statuses.length;
  controller.stop();
  source.set([policy('a'), policy('b')]);
  listener.elected();
  await controller.catchUp();
  expect(jest.getTimerCount()).toBe(0);
  await pass(1_000);
  expect([statuses.length, controller.snapshots.find('uid-b')]).toEqual([before, undefined]);
});

it('ends an override at its time without a change of the source', async () => {
  source.overrides = [override({})];
  source.set([policy('a')]);
  await pass(10);
  const offered = join();
  expect([...offered[0]!.overrides.keys()]).toEqual(['o']);
  await pass(4_900);
  expect(offered).toHaveLength(1);
  await pass(200);
  expect([...offered.at(-1)!.overrides.keys()]).toEqual([]);
});

it('computes the statuses of all policies again when it is elected, and records edits of the time before', async () => {
  leading = false;
  source.set([policy('a'), policy('b')]);
  await pass(1_000);
  expect(statuses).toEqual([]);
  leading = true;
  listener.elected();
  await pass(300);
  expect(statuses.map(([name]) => name)).toEqual(['a', 'b']);
  expect(recorded).toEqual(['a', 'b', 'a', 'b']);
});

it('shares one read of the source between concurrent calls, and reads once a second at most', async () => {
  source.set([policy('a')]);
  await pass(10);
  await Promise.all([controller.catchUp(), controller.catchUp()]);
  expect(source.refreshes).toBe(1);
  const second = controller.catchUp();
  await time.advance(999);
  expect(source.refreshes).toBe(1);
  await time.advance(1);
  await second;
  expect([source.refreshes, controller.limits.cut['catch-ups']]).toEqual([2, 1]);
  source.unreadable = 'the source is gone';
  await time.advance(1_000);
  await expect(controller.catchUp()).rejects.toThrow('the source is gone');
  expect(controller.synced).toBe(true);
});

it('lets a pod write 20 log lines at once and then one a second, and leaves lines for another pod', async () => {
  const written = (pod: string) => Array.from({ length: 30 }, () => controller.mayLog('default', pod)).filter(Boolean);
  expect(written('evil')).toHaveLength(20);
  expect(written('good').length).toBeGreaterThanOrEqual(10);
  await time.advance(1_000);
  expect(written('evil')).toHaveLength(1);
  expect(controller.limits.cut['log-lines-of-pod']).toBe(10 + 29);
  expect(controller.limits.cut['log-lines']).toBeGreaterThan(0);
});

it('schedules the status of a policy for an agent that connects, reports and falls silent', async () => {
  source.set([policy('a')]);
  await pass(400);
  expect(statuses.at(-1)![1].agents).toMatchObject({ matched: 0 });
  const [snapshot] = join();
  await pass(300);
  expect(statuses.at(-1)![1].agents).toMatchObject({ matched: 1, applied: 0 });
  const identity = [...controller.fleet.agents('default')][0]!;
  controller.delivery.sending(identity, snapshot!);
  const whole = { protocol: 1, service: 's', boot: 'x', instance: 'pod-x', sequence: 1, part: 1, parts: 1 };
  const report = { ...whole, revision: snapshot!.revision, rejections: [], breakers: [] };
  expect(controller.report({ namespace: 'default' }, report).kind).toBe('accepted');
  await pass(300);
  expect(statuses.at(-1)![1].agents).toMatchObject({ matched: 1, applied: 1, summary: '1/1' });
  await pass(31_000);
  expect(statuses.at(-1)![1].agents).toMatchObject({ stale: 1 });
});
