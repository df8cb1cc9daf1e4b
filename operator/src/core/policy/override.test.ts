import { describe, expect, it } from '@jest/globals';
import { shopPolicy as policy } from '../../../test/policies.ts';
import { difference } from '../delivery/snapshot.ts';
import { SnapshotCache } from '../delivery/snapshot-cache.ts';
import { isActive, newestFirst, type Override } from './override.ts';
import { madeBy, type OverrideObject, readOverride } from './read-override.ts';

const CREATED = 1_700_000_000_000;
const DAY = 86_400_000;
const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'why', duration: '10m' };

const override = (name: string, spec: object = SPEC, over: Partial<OverrideObject> = {}): Override =>
  readOverride({ uid: `uid-${name}`, namespace: 'shop', name, createdAt: CREATED, spec, ...over });

describe('an override', () => {
  it.each([
    ['a duration from its creation on', { duration: '10m' }, CREATED + 600_000],
    ['a time', { duration: undefined, expiresAt: new Date(CREATED + 5_000).toISOString() }, CREATED + 5_000],
    ['a time that is too far, after a day', { duration: undefined, expiresAt: '2999-01-01T00:00:00Z' }, CREATED + DAY],
  ])('ends by %s', (_what, end, expected) => {
    const read = override('a', JSON.parse(JSON.stringify({ ...SPEC, ...end })));
    expect(read).toMatchObject({ expiresAt: expected, problems: [] });
    expect(isActive(read, expected - 1)).toBe(true);
    expect(isActive(read, expected)).toBe(false);
  });

  it.each([{}, null, { ...SPEC, reason: '' }, { ...SPEC, action: 'Open' }])(
    'that is invalid is never applied: %j',
    (spec) => {
      const read = override('a', spec as object);
      expect(read.problems).not.toEqual([]);
      expect(isActive(read, CREATED)).toBe(false);
    },
  );

  it('is asked before older ones, and at the same moment before those whose names sort first', () => {
    const [old, b, c] = [override('z', SPEC, { createdAt: CREATED - 1 }), override('b'), override('c')];
    expect([old, b, c].sort(newestFirst).map(({ name }) => name)).toEqual(['c', 'b', 'z']);
  });

  it.each([
    [{ annotations: { 'fuseboard.dev/created-by': 'ann' }, managedFields: [{ manager: 'fuseboard-operator' }] }, 'ann'],
    [{ managedFields: [{ manager: 'x', subresource: 'status' }, { manager: 'kubectl' }] }, 'somebody with kubectl'],
    [{}, undefined],
  ])('was made by whoever its metadata tells: %j', (metadata, expected) => {
    expect(madeBy(metadata)).toBe(expected);
  });
});

describe('the snapshots', () => {
  const selecting = (app: string) => ({ ...SPEC, selector: { matchLabels: { app } } });

  it('have the revisions of before where there is no override', () => {
    const [without, withNone] = [new SnapshotCache(), new SnapshotCache()];
    without.update([policy('a')]);
    withNone.update([policy('a')], []);
    expect(withNone.snapshot('shop', {}).revision).toBe(without.snapshot('shop', {}).revision);
  });

  it('give an override to those whom it selects in its namespace, without any policy too', () => {
    const snapshots = new SnapshotCache();
    const change = snapshots.update([], [override('web', selecting('web')), override('all')]);
    expect(change.started.map(({ name }) => name)).toEqual(['web', 'all']);
    expect([...snapshots.snapshot('shop', { app: 'web' }).overrides.keys()]).toEqual(['uid-web', 'uid-all']);
    expect([...snapshots.snapshot('shop', { app: 'batch' }).overrides.keys()]).toEqual(['uid-all']);
    expect(snapshots.snapshot('bank', { app: 'web' }).overrides.size).toBe(0);
  });

  it('change where an override begins and ends, and nowhere else', () => {
    const snapshots = new SnapshotCache();
    snapshots.update([policy('a')]);
    const [web, batch] = [snapshots.snapshot('shop', { app: 'web' }), snapshots.snapshot('shop', { app: 'batch' })];
    const one = override('web', selecting('web'));
    expect([...snapshots.update([policy('a')], [one]).namespaces]).toEqual(['shop']);
    const steered = snapshots.snapshot('shop', { app: 'web' });
    expect(steered.revision).not.toBe(web.revision);
    expect(snapshots.snapshot('shop', { app: 'batch' }).revision).toBe(batch.revision);
    expect(difference(web, steered)).toMatchObject({ policies: [], overrides: [{ uid: 'uid-web' }], removed: [] });
    const again = snapshots.update([policy('a')], [{ ...one, status: { phase: 'Active' } }]);
    expect([...again.namespaces]).toEqual([]);
    const end = snapshots.update([policy('a')], []);
    expect(end.ended.map(({ name }) => name)).toEqual(['web']);
    const after = snapshots.snapshot('shop', { app: 'web' });
    expect(after.revision).toBe(web.revision);
    expect(difference(steered, after)).toMatchObject({ overrides: [], removed: ['uid-web'] });
  });

  it('know which override holds a breaker: the newest that selects the agent and names it, and no reset', () => {
    const snapshots = new SnapshotCache();
    const spec = (action: string, breakers: string[]) => ({ ...selecting('web'), action, breakers });
    snapshots.update(
      [],
      [
        override('reset', spec('Reset', ['*']), { createdAt: CREATED + 3 }),
        override('prefix', spec('ForceClosed', ['pay*']), { createdAt: CREATED + 2 }),
        override('name', spec('ForceOpen', ['payments', 'orders']), { createdAt: CREATED + 1 }),
      ],
    );
    const holding = (breaker: string, app = 'web') => snapshots.overrideFor('shop', { app }, breaker)?.name;
    expect([holding('payments'), holding('orders'), holding('stock')]).toEqual(['prefix', 'name', undefined]);
    expect(holding('payments', 'batch')).toBeUndefined();
  });

  it('hold no more than an agent takes: the newest', () => {
    const snapshots = new SnapshotCache();
    snapshots.update(
      [],
      Array.from({ length: 130 }, (_, i) => override(`o${i}`, SPEC, { createdAt: CREATED + i })),
    );
    const uids = [...snapshots.snapshot('shop', {}).overrides.keys()];
    expect([uids.length, uids[0], uids.at(-1)]).toEqual([100, 'uid-o129', 'uid-o30']);
  });
});
