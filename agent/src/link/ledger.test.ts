import { expect, it } from '@jest/globals';
import { Registry } from '../breakers/registry.ts';
import { tallies, totalsOf } from '../core/counters.ts';
import { FakeClock } from '../testing/testing.ts';
import { Ledger } from './ledger.ts';

const scene = () => {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  const ledger = new Ledger('0'.repeat(32));
  registry.onTransition((breaker, change) => ledger.changed(breaker, change));
  const defaults = { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '30s' } };
  const breaker = registry.getBreaker('hosts', { defaults });
  /** One report, answered or not. */
  const told = (isAnswered = true) => {
    const breakers = registry.reported((name, key) => ledger.isPending(name, key));
    const entries = ledger.entries(breakers, false, clock.now());
    if (isAnswered) for (const entry of entries) entry.settle();
    return entries.map(({ report: { key, state, totals, transitions } }) => ({
      key,
      state,
      failed: totals.failed,
      changes: transitions?.map(({ to }) => to),
    }));
  };
  return { clock, breaker, told };
};

it('tells of a key as long as its circuit is not closed, and of its closing', () => {
  const { clock, breaker, told } = scene();
  expect(told()).toHaveLength(1);
  breaker.for('a').enter()!.fail();
  const own = { key: undefined, state: 'closed', failed: 1, changes: undefined };
  const open = { key: 'a', state: 'open', failed: 1, changes: ['open'] };
  expect(told(false)).toEqual([own, open]);
  expect(told()).toEqual([own, open]);
  expect(told()).toEqual([{ ...open, changes: undefined }]);
  clock.advance(30_000);
  breaker.for('a').enter()!.succeed();
  expect(told()).toContainEqual({ key: 'a', state: 'closed', failed: 1, changes: ['half-open', 'closed'] });
  expect(told()).toEqual([]);
});

it('never counts backwards when a key leaves', () => {
  const { clock, breaker, told } = scene();
  breaker.for('a').enter()!.ignore();
  breaker.for('b').enter()!.fail();
  expect(told()[0]).toMatchObject({ failed: 1 });
  clock.advance(30_000);
  breaker.for('b').enter()!.succeed();
  clock.advance(3_600_000);
  told();
  expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 1, ignored: 1 });
});

it('remembers a bounded number of keys, and tells of a forgotten one again', () => {
  const ledger = new Ledger('0'.repeat(32));
  const key = (i: number) => ({
    name: 'hosts',
    key: `k${i}`,
    stats: () => ({
      state: 'closed' as const,
      mode: 'Enforce',
      sinceMs: 0,
      totals: totalsOf(tallies.take()),
      latency: [],
    }),
  });
  const told = (...keys: number[]) => {
    const entries = ledger.entries(keys.map(key), false, 0);
    for (const entry of entries) entry.settle();
    return entries.length;
  };
  expect(told(...Array.from({ length: 5_001 }, (_, i) => i))).toBe(5_001);
  expect([told(5_000), told(1), told(0)]).toEqual([0, 0, 1]);
});

it('tells whether code lets the fallback of a policy answer, and when that changes', () => {
  const ledger = new Ledger('0'.repeat(32));
  const stats = {
    state: 'closed',
    mode: 'Enforce',
    sinceMs: 0,
    totals: totalsOf(tallies.take()),
    latency: [],
  } as const;
  const told = (over: object, key?: string) => {
    const entries = ledger.entries([{ name: 'a', key, stats: () => ({ ...stats, ...over }) }], false, 0);
    for (const entry of entries) entry.settle();
    return entries.map(({ report }) => report.optedIn);
  };
  expect(told({ uid: 'u' })).toEqual([undefined]);
  expect(told({ uid: 'u', optedIn: false })).toEqual([false]);
  expect(told({ uid: 'u', optedIn: false })).toEqual([]);
  expect(told({ uid: 'u', optedIn: true })).toEqual([true]);
  expect(told({ optedIn: true })).toEqual([undefined]);
  expect(told({ uid: 'u', optedIn: true }, 'k')).toEqual([undefined]);
});
