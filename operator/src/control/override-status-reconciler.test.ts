import type { OverrideStatus } from '@fuseboard/schema';
import { beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import { Fleet } from '../core/fleet/fleet.ts';
import { isActive, type Override } from '../core/policy/override.ts';
import { readOverride } from '../core/policy/read-override.ts';
import { Aggregates } from '../core/replication/aggregates.ts';
import { Problem } from '../ports/problem.ts';
import { OverrideStatusReconciler } from './override-status-reconciler.ts';

const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'why', duration: '1m' };

let now: number;
let leading: boolean;
let overrides: Override[];
let written: OverrideStatus[];
let events: string[];
let forgotten: string[];
let removed: string[];
let problem: Problem | undefined;
let snapshots: SnapshotCache;
let fleet: Fleet;
let aggregates: Aggregates;
let reconciler: OverrideStatusReconciler;

const override = (name: string, over: Partial<Override> = {}): Override => ({
  ...readOverride({ uid: name, namespace: 'shop', name, createdAt: 0, spec: SPEC, createdBy: 'ann' }),
  ...over,
});

function begin(): void {
  snapshots = new SnapshotCache();
  fleet = new Fleet();
  aggregates = new Aggregates();
  written = [];
  events = [];
  forgotten = [];
  reconciler = new OverrideStatusReconciler({
    snapshots: snapshots,
    fleet,
    aggregates,
    replicas: {
      get leading() {
        return leading;
      },
      publish: () => {},
    },
    sink: {
      write: (_, status) => void written.push(status as OverrideStatus),
      event: (_, { reason, message }) => void events.push(`${reason}: ${message}`),
      forget: ({ name }) => void forgotten.push(name),
      stop: async () => {},
    },
    store: {
      create: () => Promise.reject(new Error('nothing is made here')),
      remove: async ({ name }) => {
        removed.push(name);
        if (problem) throw problem;
      },
    },
    log: pino({ level: 'silent' }),
    clock: { now: () => now },
    wallClock: () => now,
    retentionMs: 10_000,
  });
}

/** What the controller does with a list, and what follows in time. */
function take(...all: Override[]): void {
  overrides = all;
  reconciler.setOverrides(all);
  snapshots.update(
    [],
    all.filter((one) => isActive(one, now)),
  );
  for (const agent of fleet.agents('shop')) fleet.setTarget(agent, snapshots.snapshot('shop', {}), now);
  reconciler.touchAll();
  reconciler.reconcile();
}
function pass(ms: number): void {
  now += ms;
  reconciler.sweep();
  take(...overrides);
}

let sequence = 0;
function agent(boot: string, appliedOverrides: string[] = []): void {
  const instance = `pod-${boot}`;
  const joined = fleet.connect({ namespace: 'shop', boot, service: 's', instance, labels: {} }, now);
  const snapshot = snapshots.snapshot('shop', {});
  fleet.setTarget(joined, snapshot, now);
  fleet.sent(joined, snapshot);
  sequence += 1;
  const common = { protocol: 1, service: 's', part: 1, parts: 1, rejections: [], breakers: [] };
  fleet.report({ namespace: 'shop' }, { ...common, instance, boot, sequence, overrides: appliedOverrides }, now);
  reconciler.touchAll();
  reconciler.reconcile();
}

beforeEach(() => {
  now = 0;
  leading = true;
  removed = [];
  problem = undefined;
  begin();
});

it('tells once who made an override and why, and writes what changes', () => {
  take(override('a'));
  agent('x');
  agent('y', ['a']);
  agent('x', ['a']);
  reconciler.reconcile();
  expect(events).toEqual(['ForceOpen: ForceOpen of payments until 1970-01-01T00:01:00Z by ann: why']);
  expect(written.map(({ agents }) => agents!.summary)).toEqual(['0/0', '0/1', '1/2', '2/2']);
});

it('tells the sink to forget an override that is gone', () => {
  take(override('a'), override('b'));
  take(override('b'));
  expect(forgotten).toEqual(['a']);
});

it('marks the end by itself, and removes the override later', async () => {
  take(override('a'));
  pass(50_000);
  agent('x', ['a']);
  pass(9_999);
  expect(written.at(-1)!.phase).toBe('Active');
  pass(1);
  expect(written.at(-1)).toMatchObject({ phase: 'Ended', agents: { summary: '1/1' } });
  expect(events.at(-1)).toBe('Ended: ended at 1970-01-01T00:01:00Z');
  pass(9_999);
  expect(removed).toEqual([]);
  pass(1);
  expect(removed).toEqual(['a']);
});

it('tries a removal that failed again after half a minute', async () => {
  problem = new Problem(503, 'not now');
  take(override('a'));
  pass(70_000);
  expect(removed).toEqual([]);
  pass(0);
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  pass(29_999);
  expect(removed).toEqual(['a']);
  pass(1);
  expect(removed).toEqual(['a', 'a']);
});

it('neither writes nor removes where another replica leads, and continues from its status when it leads', () => {
  leading = false;
  take(override('a'));
  agent('x', ['a']);
  pass(70_000);
  expect([written, events, removed]).toEqual([[], [], []]);
  now = 0;
  begin();
  const status = { phase: 'Active', agents: { matched: 2, applied: 2, stale: 0, summary: '2/2' } } as OverrideStatus;
  leading = true;
  take(override('a', { status }));
  expect(written).toEqual([]);
  agent('x', ['a']);
  expect(written).toEqual([]);
  agent('y', ['a']);
  expect(written.at(-1)!.agents!.summary).toBe('2/2');
  expect(events).toEqual([]);
});

it('waits no longer than half a minute for agents that were there before it', () => {
  const status = { phase: 'Active', agents: { matched: 2, applied: 2, stale: 0, summary: '2/2' } } as OverrideStatus;
  take(override('a', { status }));
  agent('x', ['a']);
  pass(29_999);
  expect(written).toEqual([]);
  pass(1);
  expect(written.at(-1)!.agents!.summary).toMatch(/^\d\/1$/);
});

it('says what is wrong with an override that no agent can apply', () => {
  take(readOverride({ uid: 'b', namespace: 'shop', name: 'b', createdAt: 0, spec: { ...SPEC, reason: '' } }));
  expect(written.at(-1)!.phase).toBe('Invalid');
  expect(events).toEqual(['Invalid: spec.reason: an override needs a reason; say in a few words why']);
});

it('hands its statuses to the sink again, as long as it leads', () => {
  take(override('a'), override('b'));
  const first = [...written];
  written = [];
  leading = false;
  reconciler.rewrite();
  expect(written).toEqual([]);
  leading = true;
  reconciler.rewrite();
  reconciler.rewrite();
  expect(written).toEqual(first);
});
