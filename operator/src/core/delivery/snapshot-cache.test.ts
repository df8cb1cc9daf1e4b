import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shopPolicy as policy } from '../../../test/policies.ts';
import type { Policy } from '../policy/policy.ts';
import type { Labels } from '../policy/selector.ts';
import { difference } from './snapshot.ts';
import { SnapshotCache } from './snapshot-cache.ts';

const snapshotsOf = (...policies: Policy[]) => {
  const snapshots = new SnapshotCache();
  snapshots.update(policies);
  return snapshots;
};

const wrong = [{ field: 'spec.trip', message: 'is wrong' }];

describe('a revision', () => {
  it('is the same in any replica, whatever the order in which policies became known', () => {
    const all = ['a', 'b', 'c', 'd'].map((name, i) => policy(name, { createdAt: i % 2 }));
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 4 }), (shuffled) => {
        expect(snapshotsOf(...shuffled).snapshot('shop', {}).revision).toBe(
          snapshotsOf(...all).snapshot('shop', {}).revision,
        );
      }),
    );
  });

  it.each<[string, Partial<Policy>]>([
    ['the generation', { generation: 2 }],
    ['the spec', { spec: { breakers: ['a'], mode: 'Shadow' } }],
    ['the order of fields in the spec', { spec: { mode: 'Enforce', breakers: ['a'] } }],
    ['what the policy governs', { spec: { breakers: ['a', 'b'] } }],
    ['that the policy cannot be used', { problems: wrong }],
    ['the uid', { uid: 'other' }],
  ])('changes with %s', (_what, over) => {
    const before = policy('a', { spec: { breakers: ['a'], mode: 'Enforce' } });
    const revision = snapshotsOf(before).snapshot('shop', {}).revision;
    expect(snapshotsOf({ ...before, ...over }).snapshot('shop', {}).revision).not.toBe(revision);
  });

  it('does not change with the status', () => {
    const revision = snapshotsOf(policy('a')).snapshot('shop', {}).revision;
    expect(snapshotsOf(policy('a', { status: { observedGeneration: 1 } })).snapshot('shop', {}).revision).toBe(
      revision,
    );
  });
});

describe('a snapshot', () => {
  it('holds nothing of another namespace or of a selector that does not hold', () => {
    const snapshots = snapshotsOf(
      policy('mine', { spec: { breakers: ['x'], selector: { matchLabels: { app: 'checkout' } } } }),
      policy('foreign', { namespace: 'bank' }),
    );
    expect([...snapshots.snapshot('shop', { app: 'checkout' }).entries.keys()]).toEqual(['mine']);
    expect(snapshots.snapshot('shop', { app: 'cart' }).entries.size).toBe(0);
    expect([...snapshots.snapshot('bank', { app: 'checkout' }).entries.keys()]).toEqual(['foreign']);
    expect(snapshots.snapshot('nowhere', {}).routes).toEqual([]);
  });

  it('is shared by agents that differ only in labels no selector looks at', () => {
    const snapshots = snapshotsOf(
      policy('a', { spec: { breakers: ['x'], selector: { matchLabels: { app: 'checkout' } } } }),
    );
    const first = snapshots.snapshot('shop', { app: 'checkout', pod: '1' });
    expect(snapshots.snapshot('shop', { pod: '2', app: 'checkout' })).toBe(first);
  });

  it('shares the bytes of a policy with every other snapshot', () => {
    const snapshots = snapshotsOf(
      policy('all'),
      policy('some', { spec: { breakers: ['x'], selector: { matchLabels: { app: 'a' } } } }),
    );
    const [one, other] = [snapshots.snapshot('shop', { app: 'a' }), snapshots.snapshot('shop', {})];
    expect(one).not.toBe(other);
    expect(one.entries.get('all')!.bytes).toBe(other.entries.get('all')!.bytes);
  });

  it('carries the spec exactly as the source gave it', () => {
    const spec = { mode: 'Shadow', breakers: ['z'], unknown: { b: 1, a: 2 } } as Policy['spec'];
    const [entry] = snapshotsOf(policy('a', { spec })).snapshot('shop', {}).entries.values();
    expect(entry!.bytes.toString()).toContain(`"spec":${JSON.stringify(spec)}`);
  });

  it('tells agents to hold a policy that cannot be used, and leaves its spec behind', () => {
    const spec = { breakers: ['a'], trip: 'secret' } as unknown as Policy['spec'];
    const snapshot = snapshotsOf(policy('a', { spec, problems: wrong, generation: 7 })).snapshot('shop', {});
    expect(snapshot.routes).toEqual([['a', 'a']]);
    const text = snapshot.entries.get('a')!.bytes.toString();
    expect(text).toContain('"generation":7,"name":"a","hold":true');
    expect(text).not.toContain('secret');
  });

  it('keeps the routes of a policy whose breakers became unusable', () => {
    const snapshots = snapshotsOf(policy('a', { spec: { breakers: ['a', 'b'] } }));
    snapshots.update([
      policy('a', { generation: 2, spec: { breakers: 7 } as unknown as Policy['spec'], problems: wrong }),
    ]);
    expect(snapshots.snapshot('shop', {}).routes).toEqual([
      ['a', 'a'],
      ['b', 'a'],
    ]);
  });

  it('is refused whole when it holds more policies than an agent takes', () => {
    const many = Array.from({ length: 2_001 }, (_, i) => policy(`p${i}`));
    expect(snapshotsOf(...many).snapshot('shop', {}).tooLarge).toMatch(/2001 policies .* limit is 2000/);
    expect(snapshotsOf(...many.slice(1)).snapshot('shop', {}).tooLarge).toBeUndefined();
  });

  it('is refused whole when it routes more names than an agent takes', () => {
    const names = (i: number) => Array.from({ length: i === 0 ? 51 : 50 }, (_, j) => `b${i}-${j}`);
    const many = Array.from({ length: 400 }, (_, i) => policy(`p${i}`, { spec: { breakers: names(i) } }));
    expect(snapshotsOf(...many).snapshot('shop', {}).tooLarge).toMatch(/20001 names .* limit is 20000/);
    expect(snapshotsOf(...many.slice(1)).snapshot('shop', {}).tooLarge).toBeUndefined();
  });
});

describe('an update', () => {
  it('leaves snapshots of other namespaces as they are', () => {
    const far = policy('far', { namespace: 'bank' });
    const snapshots = snapshotsOf(policy('a'), far);
    const before = snapshots.snapshot('bank', {});
    const change = snapshots.update([policy('a', { generation: 2 }), { ...far }]);
    expect([...change.namespaces]).toEqual(['shop']);
    expect(change.changed.map(({ name }) => name)).toEqual(['a']);
    expect(snapshots.snapshot('bank', {})).toBe(before);
  });

  it('leaves snapshots as they are that the changed policy is not for', () => {
    const forApp = (app: string, generation = 1) =>
      policy(app, { generation, spec: { breakers: ['x'], selector: { matchLabels: { app } } } });
    const snapshots = snapshotsOf(forApp('a'), forApp('b'));
    const [a, b] = [snapshots.snapshot('shop', { app: 'a' }), snapshots.snapshot('shop', { app: 'b' })];
    snapshots.update([forApp('a', 2), forApp('b')]);
    expect(snapshots.snapshot('shop', { app: 'a' })).not.toBe(a);
    expect(snapshots.snapshot('shop', { app: 'b' })).toBe(b);
  });

  it('finds the same snapshots and precedence as a replica that begins with the newest policies', () => {
    const selector = fc.option(
      fc.record({
        matchLabels: fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('x', 'y'), { maxKeys: 2 }),
      }),
      { nil: undefined },
    );
    const breakers = fc.uniqueArray(fc.constantFrom('a', 'b', 'c*'), { minLength: 1, maxLength: 3 });
    // The mode of a policy does not affect its routes.
    const mode = fc.constantFrom('Enforce' as const, 'Shadow' as const);
    const spec = fc.record({ breakers, selector, mode });
    const list = fc
      .uniqueArray(fc.record({ name: fc.constantFrom('p', 'q', 'r'), spec }), { selector: ({ name }) => name })
      .map((policies) => policies.map(({ name, spec }) => policy(name, { spec })));
    const agents: Labels[] = [{}, { app: 'x' }, { app: 'y', tier: 'x' }, { tier: 'y' }];
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 5 }), (history) => {
        const snapshots = new SnapshotCache();
        for (const policies of history) {
          snapshots.update(policies);
          const fresh = snapshotsOf(...policies);
          for (const labels of agents) {
            expect(snapshots.snapshot('shop', labels).revision).toBe(fresh.snapshot('shop', labels).revision);
          }
          for (const one of policies) expect(snapshots.precedence(one)).toEqual(fresh.precedence(one));
        }
      }),
    );
  });

  it('notices another spec under an equal generation', () => {
    const snapshots = snapshotsOf(policy('a'));
    const before = snapshots.snapshot('shop', {}).revision;
    const change = snapshots.update([policy('a', { spec: { breakers: ['b'] } })]);
    expect(change.changed).toHaveLength(1);
    expect(snapshots.snapshot('shop', {}).revision).not.toBe(before);
  });

  it('names what was removed, and a policy that came again under its name as both', () => {
    const snapshots = snapshotsOf(policy('a'), policy('b'));
    const change = snapshots.update([policy('a', { uid: 'again' })]);
    expect(change.added.map(({ uid }) => uid)).toEqual(['again']);
    expect(change.removed.map(({ uid }) => uid).sort()).toEqual(['a', 'b']);
    expect([...snapshots.snapshot('shop', {}).entries.keys()]).toEqual(['again']);
  });

  it('leaves an empty snapshot behind when the last policy goes', () => {
    const snapshots = snapshotsOf(policy('a'));
    snapshots.update([]);
    expect(snapshots.snapshot('shop', {})).toMatchObject({ routes: [], bytes: 0 });
  });
});

describe('a difference', () => {
  const spec = fc.record({ breakers: fc.uniqueArray(fc.constantFrom('a', 'b', 'c*'), { minLength: 1, maxLength: 3 }) });
  const list = fc
    .uniqueArray(
      fc.record({ name: fc.constantFrom('p', 'q', 'r', 's'), generation: fc.integer({ min: 1, max: 2 }), spec }),
      { selector: ({ name }) => name },
    )
    .map((policies) => policies.map(({ name, ...over }) => policy(name, over)));

  it('turns what an agent has into what it should have, and sends no more than that', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const snapshots = snapshotsOf(...before);
        const from = snapshots.snapshot('shop', {});
        snapshots.update(after);
        const to = snapshots.snapshot('shop', {});
        const { policies, removed, routes } = difference(from, to);
        const held = new Map(from.entries);
        for (const uid of removed) expect(held.delete(uid)).toBe(true);
        for (const entry of policies) {
          expect(held.get(entry.uid)?.digest).not.toBe(entry.digest);
          held.set(entry.uid, entry);
        }
        const digests = (entries: typeof held) => [...entries.values()].map(({ digest }) => digest).sort();
        expect(digests(held)).toEqual(digests(new Map(to.entries)));
        expect(routes ?? from.routes).toEqual(to.routes);
        if (from.revision === to.revision) expect([policies, removed, routes]).toEqual([[], [], undefined]);
      }),
    );
  });

  it('is everything for an agent that has nothing', () => {
    const to = snapshotsOf(policy('a')).snapshot('shop', {});
    const policies = [...to.entries.values()];
    expect(difference(undefined, to)).toEqual({ policies, overrides: [], removed: [], routes: to.routes });
  });
});

describe('an update', () => {
  const affected = (snapshots: SnapshotCache, ...policies: Policy[]) => [
    ...(snapshots.update(policies).affected.get('shop') ?? []),
  ];
  const unrelated = policy('unrelated');
  const old = policy('old', { spec: { breakers: ['payments'] }, createdAt: 1 });
  const young = policy('young', { spec: { breakers: ['payments', 'other'] }, createdAt: 2 });

  it('affects the policy that was edited and no other', () => {
    const snapshots = snapshotsOf(unrelated, old, young);
    const edited = { ...old, generation: 2 };
    expect(affected(snapshots, unrelated, edited, young)).toEqual(['old']);
    expect(affected(snapshots, unrelated, edited, young)).toEqual([]);
  });

  it('affects a policy that loses a name to a newcomer, and one that gets it back', () => {
    const snapshots = snapshotsOf(unrelated, young);
    expect(affected(snapshots, unrelated, young, old).sort()).toEqual(['old', 'young']);
    expect(affected(snapshots, unrelated, young)).toEqual(['young']);
  });
});
