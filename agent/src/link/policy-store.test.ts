import { MAX_POLICIES_PER_AGENT } from '@fuseboard/schema/defaults';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HeldPolicies } from './local/held-policies.ts';
import type { StoredSet } from './local/stored-set.ts';
import type { Message } from './messages.ts';
import { PolicyStore, type StoreResult } from './policy-store.ts';
import { systemTimers } from './timers.ts';

const spec = (consecutiveFailures: number, breakers = ['payments']) => ({ breakers, trip: { consecutiveFailures } });
const unusable = { breakers: ['payments'], trip: { consecutiveFailures: 'many' } };
const begin = (revision: string, policies?: string, more: object = {}): Message => ({
  type: 'begin',
  kind: 'snapshot',
  revision,
  now: 0,
  ...(policies ? { asOf: { policies } } : {}),
  ...more,
});
const policy = (uid: string, generation: number, of: unknown): Message => ({
  type: 'policy',
  uid,
  generation,
  name: `name-${uid}`,
  spec: of,
});
const hold = (uid: string, generation: number): Message => ({ type: 'policy', uid, generation, hold: true });
const routes = (...list: [string, string][]): Message => ({ type: 'routes', routes: list });
const commit = (revision: string): Message => ({ type: 'commit', revision });

function take(store: PolicyStore, ...messages: Message[]): StoreResult {
  return messages.map((message) => store.take(message)).at(-1)!;
}

function running(asOf: string | undefined = '100', generation = 4) {
  const store = new PolicyStore();
  take(store, begin('r1', asOf), policy('a', generation, spec(3)), routes(['payments', 'a']), commit('r1'));
  return store;
}

function restored(stored: StoredSet, origin: 'last-good' | 'bootstrap', ...clocks: (() => number)[]): PolicyStore {
  const held = new HeldPolicies(clocks[0] ?? systemTimers.now, clocks[1]);
  held.restore(stored, origin);
  return new PolicyStore(held);
}

const generations = (store: PolicyStore) =>
  [...(store.set?.policies.values() ?? [])].map(({ uid, generation }) => `${uid}@${generation}`);

describe('a change', () => {
  it('applies as a whole at its commit', () => {
    const store = running();
    expect(take(store, begin('r2', '101'), policy('b', 1, spec(5)))).toEqual({ kind: 'none' });
    expect(generations(store)).toEqual(['a@4']);
    expect(take(store, routes(['*', 'b']), commit('r2')).kind).toBe('commit');
    expect(generations(store)).toEqual(['b@1']);
    expect(store.set).toMatchObject({ revision: 'r2', origin: 'stream', routes: [['*', 'b']] });
  });

  it('leaves nothing behind when the stream breaks before its commit', () => {
    const store = running();
    take(store, begin('r2', '101'), policy('b', 1, spec(5)));
    store.abandon();
    expect(take(store, commit('r2'))).toMatchObject({ kind: 'reconnect', fresh: true });
    expect(generations(store)).toEqual(['a@4']);
    expect(store.asOf).toEqual({ policies: '100' });
  });

  it('that is a patch keeps what it does not mention', () => {
    const store = running();
    const patch = begin('r2', '101', { kind: 'patch', base: 'r1' });
    take(store, patch, policy('b', 1, spec(5)), commit('r2'));
    expect(generations(store)).toEqual(['a@4', 'b@1']);
    expect(store.set?.routes).toEqual([['payments', 'a']]);
    take(store, begin('r3', '102', { kind: 'patch', base: 'r2' }), { type: 'remove', uid: 'a' }, commit('r3'));
    expect(generations(store)).toEqual(['b@1']);
  });

  it('that is a patch on something else asks for everything', () => {
    const store = running();
    expect(take(store, begin('r9', '101', { kind: 'patch', base: 'r8' }))).toMatchObject({
      kind: 'reconnect',
      fresh: true,
    });
  });

  it('without policies is a set too', () => {
    const store = running();
    take(store, begin('r2', '101'), routes(), commit('r2'));
    expect(store.set?.policies.size).toBe(0);
  });

  it.each([
    ['policy', policy('b', 1, spec(5))],
    ['routes', routes()],
    ['commit', commit('r2')],
  ])('with %s outside of it asks for everything', (_what, message) => {
    expect(take(running(), message)).toMatchObject({ kind: 'reconnect', fresh: true });
  });
});

describe('the floors', () => {
  it('refuse a set from before what was seen', () => {
    const store = running('100');
    expect(take(store, begin('r0', '99'))).toMatchObject({ kind: 'reconnect', fresh: false });
    expect(generations(store)).toEqual(['a@4']);
  });

  it('compare resourceVersions as integers, however long', () => {
    const store = running('99999999999999999999');
    expect(take(store, begin('r0', '99999999999999999998')).kind).toBe('reconnect');
    expect(take(running('99'), begin('r0', '100')).kind).toBe('none');
  });

  it('rise with heartbeats', () => {
    const store = running('100');
    take(store, { type: 'heartbeat', asOf: { policies: '200' }, now: 0 });
    expect(take(store, begin('r2', '150')).kind).toBe('reconnect');
  });

  it('keep the running generation when an older one of the same policy comes', () => {
    const store = running('100');
    take(store, begin('r2', '101'), policy('a', 3, spec(9)), routes(['payments', 'a']), commit('r2'));
    expect(generations(store)).toEqual(['a@4']);
    expect(store.set?.policies.get('a')?.spec).toEqual(spec(3));
  });

  it('are given up on a reset', () => {
    const store = running('100');
    const outcome = take(store, begin('r0', '7', { reset: true }), policy('a', 2, spec(9)), commit('r0'));
    expect(outcome).toMatchObject({ kind: 'commit', reset: true });
    expect(generations(store)).toEqual(['a@2']);
    expect(store.asOf).toEqual({ policies: '7' });
  });

  it('do not listen to a patch that claims a reset', () => {
    const store = running('100');
    expect(take(store, begin('r0', '7', { kind: 'patch', base: 'r1', reset: true })).kind).toBe('reconnect');
  });

  it('do not apply where the source has no generations', () => {
    const store = running(undefined, 0);
    take(store, begin('r2'), policy('a', 0, spec(9)), commit('r2'));
    expect(store.set?.policies.get('a')?.spec).toEqual(spec(9));
  });
});

describe('a policy that cannot be used', () => {
  it('is rejected alone, and its last good version follows the new routes', () => {
    const store = running();
    take(
      store,
      begin('r2', '101'),
      policy('a', 5, unusable),
      policy('b', 1, spec(5)),
      routes(['other', 'a'], ['payments', 'b']),
      commit('r2'),
    );
    expect(generations(store)).toEqual(['a@4', 'b@1']);
    expect(store.rejections).toMatchObject([
      { uid: 'a', generation: 5, field: expect.stringMatching(/consecutiveFailures/) },
    ]);
    expect(store.set?.routes[0]).toEqual(['other', 'a']);
  });

  it('without a last good version leaves its names to the code', () => {
    const store = new PolicyStore();
    take(store, begin('r1', '1'), policy('a', 1, unusable), routes(['payments', 'a']), commit('r1'));
    expect(store.set?.policies.size).toBe(0);
    expect(store.set?.routes).toEqual([['payments', 'a']]);
  });

  it('stops the agent from resuming until it is fixed', () => {
    const store = running();
    expect(store.resumeFrom).toBe('r1');
    take(store, begin('r2', '101'), policy('a', 5, unusable), commit('r2'));
    expect(store.resumeFrom).toBeUndefined();
    take(store, begin('r3', '102', { kind: 'patch', base: 'r2' }), policy('a', 6, spec(1)), commit('r3'));
    expect(store.resumeFrom).toBe('r3');
    expect(store.rejections).toEqual([]);
  });

  it('stays rejected through a patch about others and through a restart', () => {
    const store = running();
    take(store, begin('r2', '101'), policy('a', 5, unusable), commit('r2'));
    take(store, begin('r3', '102', { kind: 'patch', base: 'r2' }), policy('b', 1, spec(1)), commit('r3'));
    expect(store.rejections).toHaveLength(1);
    const next = restored(JSON.parse(JSON.stringify(store.stored())), 'last-good');
    expect(next.resumeFrom).toBeUndefined();
    expect(generations(next)).toEqual(['a@4', 'b@1']);
  });
});

describe('a held policy', () => {
  it('keeps what runs under its uid', () => {
    const store = running();
    take(store, begin('r2', '101'), hold('a', 5), routes(['payments', 'a']), commit('r2'));
    expect(generations(store)).toEqual(['a@4']);
    expect(store.resumeFrom).toBe('r2');
  });

  it('that never ran here runs nothing', () => {
    const store = running();
    take(store, begin('r2', '101'), hold('z', 5), routes(['payments', 'z']), commit('r2'));
    expect(store.set?.policies.size).toBe(0);
  });

  it('keeps what the last good file had', () => {
    const store = restored(running().stored()!, 'last-good');
    take(store, begin('r2', '101'), hold('a', 5), routes(['payments', 'a']), commit('r2'));
    expect(generations(store)).toEqual(['a@4']);
  });
});

describe('a set that is too large', () => {
  it.each([
    ['policies', MAX_POLICIES_PER_AGENT + 1, (i: number) => spec(1, [`b${i}`])],
    ['bytes', 150, (i: number) => ({ breakers: [`b${i}`], classify: { failure: { errorNames: many } } })],
  ])('in %s is refused whole and reported', (_what, count, of) => {
    const store = running();
    take(store, begin('r2', '101'));
    for (let i = 0; i < count; i++) take(store, policy(`p${i}`, 1, of(i)));
    expect(take(store, commit('r2')).kind).toBe('refused');
    expect(generations(store)).toEqual(['a@4']);
    expect(store.rejections).toHaveLength(1);
    expect(store.resumeFrom).toBeUndefined();
    take(store, begin('r3', '102'), commit('r3'));
    expect(store.rejections).toEqual([]);
  });
});

const many = Array.from({ length: 128 }, (_, i) => `${i}`.padEnd(256, 'x'));

describe('insync', () => {
  it('makes what came from the file what the stream says', () => {
    const store = restored(running().stored()!, 'last-good');
    expect(store.resumeFrom).toBe('r1');
    expect(take(store, { type: 'insync', revision: 'r1', asOf: { policies: '120' }, now: 0 }).kind).toBe('commit');
    expect(store.set?.origin).toBe('stream');
    expect(store.asOf).toEqual({ policies: '120' });
  });

  it('about another revision asks for everything', () => {
    expect(take(running(), { type: 'insync', revision: 'r7', now: 0 })).toMatchObject({
      kind: 'reconnect',
      fresh: true,
    });
  });

  it('is not asked for with the bootstrap file', () => {
    const store = restored({ ...running().stored()!, asOf: {} }, 'bootstrap');
    expect(store.resumeFrom).toBeUndefined();
  });
});

describe('whatever the operator sends', () => {
  const uid = fc.constantFrom('a', 'b');
  const version = fc.option(fc.integer({ min: 1, max: 9 }).map(String), { nil: undefined });
  const message: fc.Arbitrary<Message> = fc.oneof(
    fc
      .record({
        kind: fc.constantFrom('snapshot', 'patch'),
        base: fc.constantFrom('r1', 'r2'),
        revision: fc.constantFrom('r1', 'r2'),
        at: version,
      })
      .map(({ kind, base, revision, at }) => begin(revision, at, { kind, base })),
    fc
      .record({ uid, generation: fc.integer({ min: 1, max: 9 }), good: fc.boolean() })
      .map(({ uid, generation, good }) => policy(uid, generation, good ? spec(generation) : unusable)),
    fc.record({ uid, generation: fc.integer({ min: 1, max: 9 }) }).map(({ uid, generation }) => hold(uid, generation)),
    uid.map((gone): Message => ({ type: 'remove', uid: gone })),
    fc.constantFrom(routes(['x', 'a']), routes(['x', 'b'])),
    fc.constantFrom(commit('r1'), commit('r2')),
    version.map((policies): Message => ({ type: 'heartbeat', now: 0, ...(policies ? { asOf: { policies } } : {}) })),
  );

  it('a policy that runs on never gets older, the floor never sinks, and only a commit changes anything', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        const store = new PolicyStore();
        for (const next of messages) {
          const before = store.set;
          const floor = BigInt(store.asOf.policies ?? 0);
          const outcome = store.take(next);
          expect(BigInt(store.asOf.policies ?? 0)).toBeGreaterThanOrEqual(floor);
          if (outcome.kind !== 'commit') expect(store.set).toBe(before);
          for (const [id, { generation, spec: runs }] of store.set?.policies ?? []) {
            expect(runs).toEqual(spec(generation));
            expect(generation).toBeGreaterThanOrEqual(before?.policies.get(id)?.generation ?? 0);
          }
        }
      }),
    );
  });
});

describe('overrides', () => {
  const override = (uid: string, expiresAt: number): Message => ({
    type: 'override',
    uid,
    name: uid,
    breakers: ['payments'],
    action: 'ForceOpen',
    reason: 'why',
    createdAt: 0,
    expiresAt,
  });
  const ends = (store: PolicyStore) => (store.set?.overrides ?? []).map(({ uid, endsAt }) => `${uid}@${endsAt}`);
  const WALL = 1_700_000_000_000;
  const make = (now = 500, wall = WALL + 5_000) =>
    new PolicyStore(
      new HeldPolicies(
        () => now,
        () => wall,
      ),
    );

  it('end on the monotonic clock, counted from the time that the operator tells', () => {
    const store = make();
    take(store, begin('r1', '1', { now: WALL }), override('a', WALL + 60_000), commit('r1'));
    expect(ends(store)).toEqual(['a@60500']);
    take(store, begin('r2', '2', { kind: 'patch', base: 'r1', now: WALL + 1 }), override('b', WALL + 11), commit('r2'));
    expect(ends(store)).toEqual(['a@60499', 'b@510']);
    take(store, begin('r3', '3', { kind: 'patch', base: 'r2', now: WALL }), { type: 'remove', uid: 'a' }, commit('r3'));
    expect(ends(store)).toEqual(['b@511']);
    take(store, { type: 'insync', revision: 'r3', now: WALL - 9 });
    expect(ends(store)).toEqual(['b@520']);
    take(store, begin('r4', '4', { now: WALL }), commit('r4'));
    expect(ends(store)).toEqual([]);
  });

  it('never last longer than a day', () => {
    const store = make();
    take(store, begin('r1', '1', { now: WALL }), override('a', WALL + 1e12), commit('r1'));
    expect(ends(store)).toEqual([`a@${500 + 86_400_000}`]);
  });

  it('continue in the next process, by the wall clock', () => {
    const store = make();
    take(store, begin('r1', '1', { now: WALL }), override('a', WALL + 60_000), commit('r1'));
    const kept = JSON.parse(JSON.stringify(store.stored()));
    expect(kept.overrides).toEqual([expect.not.objectContaining({ endsAt: expect.anything() })]);
    const clocks = [() => 7, () => WALL + 20_000];
    expect(ends(restored(kept, 'last-good', ...clocks))).toEqual(['a@40007']);
    const { overrides, ...older } = kept;
    expect(ends(restored(older, 'last-good', ...clocks))).toEqual([]);
  });

  it('that are too many are refused whole', () => {
    const store = running();
    const many = Array.from({ length: 101 }, (_, i) => override(`o${i}`, 1));
    expect(take(store, begin('r2', '101'), ...many, commit('r2'))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('more than 100 overrides'),
    });
    expect(generations(store)).toEqual(['a@4']);
  });
});

it('rejects a policy that nests deeper than a stack, and applies the others', () => {
  const store = new PolicyStore();
  const deep = {
    ...spec(3),
    fallback: { static: { value: JSON.parse(`${'['.repeat(60_000)}${']'.repeat(60_000)}`) } },
  };
  take(store, begin('r1', '100'), policy('a', 1, deep), policy('b', 1, spec(5)), commit('r1'));
  expect(generations(store)).toEqual(['b@1']);
  expect(store.rejections).toEqual([
    { uid: 'a', generation: 1, field: 'spec', message: 'nests more than 50 levels deep' },
  ]);
});
