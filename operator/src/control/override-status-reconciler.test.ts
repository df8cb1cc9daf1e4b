import type { OverrideStatus } from '@fuseboard/schema';
import { beforeEach, expect, it } from '@jest/globals';
import { ReconcilerScene } from '../../test/reconciler-scene.ts';
import { isActive, type Override } from '../core/policy/override.ts';
import { readOverride } from '../core/policy/read-override.ts';
import { Problem } from '../ports/problem.ts';
import { OverrideStatusReconciler } from './override-status-reconciler.ts';

const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'why', duration: '1m' };

let scene: ReconcilerScene<Override>;
let reconciler: OverrideStatusReconciler;
let overrides: Override[];
let removed: string[];
let problem: Problem | undefined;

const override = (name: string, over: Partial<Override> = {}): Override => ({
  ...readOverride({ uid: name, namespace: 'shop', name, createdAt: 0, spec: SPEC, createdBy: 'ann' }),
  ...over,
});

function begin(next: ReconcilerScene<Override>): void {
  scene = next;
  reconciler = new OverrideStatusReconciler({
    ...scene.options(),
    store: {
      create: () => Promise.reject(new Error('nothing is made here')),
      remove: async ({ name }) => {
        removed.push(name);
        if (problem) throw problem;
      },
    },
    retentionMs: 10_000,
  });
}

beforeEach(() => {
  removed = [];
  problem = undefined;
  begin(new ReconcilerScene());
});

const events = () => scene.events.map(({ reason, message }) => `${reason}: ${message}`);

/** What the controller does with a list, and what follows in time. */
function take(...all: Override[]): void {
  overrides = all;
  reconciler.setOverrides(all);
  scene.snapshots.update(
    [],
    all.filter((one) => isActive(one, scene.now)),
  );
  for (const agent of scene.fleet.agents('shop'))
    scene.fleet.setTarget(agent, scene.snapshots.snapshot('shop', {}), scene.now);
  reconciler.touchAll();
  reconciler.reconcile();
}
function pass(ms: number): void {
  scene.now += ms;
  reconciler.sweep();
  take(...overrides);
}

function agent(boot: string, appliedOverrides: string[] = []): void {
  scene.report('shop', boot, { overrides: appliedOverrides });
  reconciler.touchAll();
  reconciler.reconcile();
}

it('tells once who made an override and why, and writes what changes', () => {
  take(override('a'));
  agent('x');
  agent('y', ['a']);
  agent('x', ['a']);
  reconciler.reconcile();
  expect(events()).toEqual(['ForceOpen: ForceOpen of payments until 1970-01-01T00:01:00Z by ann: why']);
  expect(scene.written.map(({ agents }) => agents!.summary)).toEqual(['0/0', '0/1', '1/2', '2/2']);
});

it('tells the sink to forget an override that is gone', () => {
  take(override('a'), override('b'));
  take(override('b'));
  expect(scene.forgotten).toEqual(['a']);
});

it('marks the end by itself, and removes the override later', async () => {
  take(override('a'));
  pass(50_000);
  agent('x', ['a']);
  pass(9_999);
  expect(scene.written.at(-1)!.phase).toBe('Active');
  pass(1);
  expect(scene.written.at(-1)).toMatchObject({ phase: 'Ended', agents: { summary: '1/1' } });
  expect(events().at(-1)).toBe('Ended: ended at 1970-01-01T00:01:00Z');
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
  scene.leading = false;
  take(override('a'));
  agent('x', ['a']);
  pass(70_000);
  expect([scene.written, events(), removed]).toEqual([[], [], []]);
  scene.now = 0;
  begin(ReconcilerScene.restarted(scene));
  const status = { phase: 'Active', agents: { matched: 2, applied: 2, stale: 0, summary: '2/2' } } as OverrideStatus;
  scene.leading = true;
  take(override('a', { status }));
  expect(scene.written).toEqual([]);
  agent('x', ['a']);
  expect(scene.written).toEqual([]);
  agent('y', ['a']);
  expect(scene.written.at(-1)!.agents!.summary).toBe('2/2');
  expect(events()).toEqual([]);
});

it('waits no longer than half a minute for agents that were there before it', () => {
  const status = { phase: 'Active', agents: { matched: 2, applied: 2, stale: 0, summary: '2/2' } } as OverrideStatus;
  take(override('a', { status }));
  agent('x', ['a']);
  pass(29_999);
  expect(scene.written).toEqual([]);
  pass(1);
  expect(scene.written.at(-1)!.agents!.summary).toMatch(/^\d\/1$/);
});

it('says what is wrong with an override that no agent can apply', () => {
  take(readOverride({ uid: 'b', namespace: 'shop', name: 'b', createdAt: 0, spec: { ...SPEC, reason: '' } }));
  expect(scene.written.at(-1)!.phase).toBe('Invalid');
  expect(events()).toEqual(['Invalid: spec.reason: an override needs a reason; say in a few words why']);
});

it('hands its statuses to the sink again, as long as it leads', () => {
  take(override('a'), override('b'));
  const first = [...scene.written];
  scene.written = [];
  scene.leading = false;
  reconciler.rewrite();
  expect(scene.written).toEqual([]);
  scene.leading = true;
  reconciler.rewrite();
  reconciler.rewrite();
  expect(scene.written).toEqual(first);
});
