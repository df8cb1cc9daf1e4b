import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Aggregate, Aggregates, type ReplicaHeartbeat, type Shard } from './aggregates.ts';

const row = (over: Partial<Aggregate> = {}, matched = 1, applied = matched): Aggregate => ({
  uid: 'p',
  generation: 1,
  digest: 'one',
  counts: {
    agents: { matched, applied, rejected: 0, stale: 0 },
    breakers: { closed: matched, open: 0, halfOpen: 0, shadowOpen: 0 },
    fallback: { optedIn: 0, unused: 0 },
    open: [],
    rejections: [],
  },
  ...over,
});
const shard = (replica: string, rows: Aggregate[], sequence = 1, boot = 'x'): Shard => ({
  replica,
  boot,
  sequence,
  rows,
});
const beat = (replica: string, version = '1', boot = 'x'): ReplicaHeartbeat => ({ replica, boot, version });
const EXPIRY = 30_000;

let all: Aggregates;
const matched = (digest = 'one') => all.merged('p', digest).counts.agents.matched;
const unheard = (digest = 'one') => all.merged('p', digest).unheard;

beforeEach(() => {
  all = new Aggregates();
  all.onHeartbeats([], 0);
  all.setOwn(row());
});

describe('what replicas count together', () => {
  it('is what each counts, and no replica is waited for that has reported this version', () => {
    all.onHeartbeats([beat('b'), beat('c')], 0);
    expect(unheard()).toBe(2);
    expect(all.others).toEqual(['b', 'c']);
    all.setShards([shard('b', [row({}, 2)]), shard('c', [row({}, 3, 1)])], 0);
    expect(all.merged('p', 'one')).toMatchObject({
      unheard: 0,
      counts: { agents: { matched: 6, applied: 4 }, breakers: { closed: 6 } },
    });
  });

  it('is also whether code anywhere opts in to a fallback', () => {
    const answering = (optedIn: number, unused: number) =>
      row({ counts: { ...row().counts, fallback: { optedIn, unused } } });
    all.setOwn(answering(0, 2));
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [answering(1, 3)])], 0);
    expect(all.merged('p', 'one').counts.fallback).toEqual({ optedIn: 1, unused: 5 });
  });

  it('has agents of a replica that is behind as agents that lack the new version', () => {
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({}, 2)])], 0);
    all.setOwn(row({ digest: 'two' }));
    const { counts, unheard: waited } = all.merged('p', 'two');
    expect(counts.agents).toMatchObject({ matched: 3, applied: 1 });
    expect(waited).toBe(1);
  });

  it('waits for a replica that has not seen a new policy', () => {
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({ uid: 'other' })])], 0);
    expect(unheard()).toBe(1);
    all.setShards([shard('b', [row({ uid: 'other' }), row({}, 0)])], 0);
    expect(unheard()).toBe(0);
  });

  it('adds up the agents whose code limits this version', () => {
    const limited = (guarded: number, over: Partial<Aggregate> = {}) => {
      const { counts } = row();
      return row({ counts: { ...counts, agents: { ...counts.agents, guarded } }, ...over });
    };
    all.onHeartbeats([beat('b')], 0);
    all.setOwn(limited(2));
    all.setShards([shard('b', [limited(3)])], 0);
    expect(all.merged('p', 'one').counts.agents.guarded).toBe(5);
    all.setShards([shard('b', [limited(3, { digest: 'older' })])], 0);
    expect(all.merged('p', 'one').counts.agents.guarded).toBe(2);
  });

  it('names at most three open breakers and five rejections', () => {
    const counts = {
      ...row().counts,
      open: ['x on 1', 'x on 2'],
      rejections: [1, 2, 3].map((i) => ({ agent: `${i}`, field: 'spec', message: 'no' })),
    };
    all.setOwn(row({ counts }));
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({ counts })])], 0);
    const merged = all.merged('p', 'one').counts;
    expect(merged.open).toHaveLength(3);
    expect(merged.rejections).toHaveLength(5);
  });

  it('takes a policy that is in two shards from the newer one', () => {
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({}, 7)], 9), shard('b', [row({}, 2)], 8)], 0);
    expect(matched()).toBe(8);
  });

  it('says which policies are different and nothing of the others', () => {
    all.onHeartbeats([beat('b')], 0);
    const other = row({ uid: 'q' });
    all.setShards([shard('b', [row(), other])], 0);
    const changes = all.setShards([shard('b', [row({}, 5), other])], 0);
    expect(changes).toEqual([{ uid: 'p', before: row(), after: row({}, 5) }]);
  });
});

describe('a replica', () => {
  it('is dropped when its Lease did not change for too long, and counts again when it does', () => {
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({}, 2)])], 0);
    all.onHeartbeats([beat('b', '2')], 10_000);
    expect(all.expire(EXPIRY, 39_999)).toEqual({ left: false, regrouped: false, changes: [] });
    expect(all.expire(EXPIRY, 40_000)).toMatchObject({ left: false, regrouped: true, changes: [{ uid: 'p' }] });
    expect([matched(), unheard(), all.lost, all.others]).toEqual([1, 0, ['b'], []]);
    expect(all.expire(EXPIRY, 41_000).regrouped).toBe(false);
    all.onHeartbeats([beat('b', '3')], 42_000);
    expect([matched(), all.lost]).toEqual([3, []]);
  });

  it('is not believed on a Lease that was there before and has not changed since, and is waited for', () => {
    all = new Aggregates();
    all.setOwn(row());
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({}, 2)])], 0);
    expect([matched(), unheard()]).toEqual([1, 1]);
    expect(all.onHeartbeats([beat('b', '2')], 5_000)).toMatchObject({ left: false, regrouped: true });
    expect([matched(), unheard()]).toEqual([3, 0]);
  });

  it('that was dead before is waited for no longer than any other', () => {
    all = new Aggregates();
    all.onHeartbeats([beat('b')], 0);
    expect(all.expire(EXPIRY, EXPIRY)).toMatchObject({ regrouped: true, changes: [] });
    expect(unheard()).toBe(0);
  });

  it('that takes its Lease away has left, and what it published does not count', () => {
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({}, 2)])], 0);
    expect(all.onHeartbeats([], 1_000)).toMatchObject({ left: true, regrouped: true, changes: [{ uid: 'p' }] });
    expect(matched()).toBe(1);
    all.expire(EXPIRY, 31_000);
    expect(all.lost).toEqual(['b']);
    all.setShards([], 31_000);
    expect(all.lost).toEqual([]);
  });

  it('that restarted does not count with what the process before it published', () => {
    all.onHeartbeats([beat('b')], 0);
    all.setShards([shard('b', [row({}, 2)])], 0);
    expect(all.onHeartbeats([beat('b', '2', 'y')], 1_000)).toMatchObject({ left: true });
    expect([matched(), unheard()]).toEqual([1, 1]);
    all.setShards([shard('b', [row({}, 4)], 1, 'y')], 1_000);
    expect([matched(), unheard()]).toEqual([5, 0]);
  });
});

it('is the same in whatever order Leases and shards are seen', () => {
  const replicas = fc.uniqueArray(
    fc.record({ name: fc.constantFrom('b', 'c', 'd', 'e'), agents: fc.nat({ max: 9 }) }),
    {
      selector: ({ name }) => name,
    },
  );
  fc.assert(
    fc.property(replicas, fc.boolean(), fc.boolean(), (others, shardsFirst, oneByOne) => {
      all = new Aggregates();
      all.onHeartbeats([], 0);
      const seen = oneByOne ? others.map((_, i) => others.slice(0, i + 1)) : [others];
      const steps = [
        () =>
          seen.map((some) =>
            all.onHeartbeats(
              some.map(({ name }) => beat(name)),
              0,
            ),
          ),
        () =>
          seen.map((some) =>
            all.setShards(
              some.map(({ name, agents }) => shard(name, [row({}, agents)])),
              0,
            ),
          ),
      ];
      for (const step of shardsFirst ? steps.reverse() : steps) step();
      expect(matched()).toBe(others.reduce((sum, { agents }) => sum + agents, 0));
      expect(unheard()).toBe(0);
    }),
  );
});
