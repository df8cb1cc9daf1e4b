import { expect, it } from '@jest/globals';
import { Registry } from '../breakers/registry.ts';
import { counterSlab, totalsOf } from '../core/counters.ts';
import { FakeClock } from '../testing/testing.ts';
import { Ledger } from './ledger.ts';

const scene = () => {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  const ledger = new Ledger('0'.repeat(32));
  registry.onTransition((breaker, change) => ledger.changed(breaker, change));
  const defaults = { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '30s' } };
  const breaker = registry.getBreaker('hosts', { defaults });
  /** Makes one report, with or without an answer. */
  const report = (isAnswered = true) => {
    const breakers = registry.reported((name, key) => ledger.isPending(name, key));
    const entries = ledger.entries(breakers, false, clock.now());
    if (isAnswered) for (const entry of entries) entry.acknowledge();
    return entries.map(({ report: { key, state, totals, transitions } }) => ({
      key,
      state,
      failed: totals.failed,
      changes: transitions?.map(({ to }) => to),
    }));
  };
  return { clock, breaker, report };
};

it('tells of a key as long as its circuit is not closed, and of its closing', () => {
  const { clock, breaker, report } = scene();
  expect(report()).toHaveLength(1);
  breaker.for('a').enter()!.fail();
  const own = { key: undefined, state: 'closed', failed: 1, changes: undefined };
  const open = { key: 'a', state: 'open', failed: 1, changes: ['open'] };
  expect(report(false)).toEqual([own, open]);
  expect(report()).toEqual([own, open]);
  expect(report()).toEqual([{ ...open, changes: undefined }]);
  clock.advance(30_000);
  breaker.for('a').enter()!.succeed();
  expect(report()).toContainEqual({ key: 'a', state: 'closed', failed: 1, changes: ['half-open', 'closed'] });
  expect(report()).toEqual([]);
});

it('tells of the closing of a key that was idle while no operator answered, and lets the key leave then', () => {
  const { clock, breaker, report } = scene();
  report();
  breaker.for('a').enter()!.fail();
  clock.advance(30_000);
  breaker.for('a').enter()!.succeed();
  clock.advance(86_400_000);
  expect(report()).toContainEqual({ key: 'a', state: 'closed', failed: 1, changes: ['open', 'half-open', 'closed'] });
  clock.advance(1_000);
  expect(report()).toEqual([]);
});

it('stores the transitions of a bounded number of keys while no operator answers, and those of breakers always', () => {
  const ledger = new Ledger('0'.repeat(32));
  const change = { from: 'closed', to: 'open', at: 0, reason: 'a test' } as const;
  ledger.changed({ name: 'own' }, change);
  for (let i = 0; i < 5_000; i++) {
    ledger.changed({ name: 'hosts', key: `k${i}` }, change);
    if (i === 1) ledger.changed({ name: 'hosts', key: 'k0' }, change);
  }
  expect(['k0', 'k1', 'k2', 'k4999'].map((key) => ledger.isPending('hosts', key))).toEqual([true, false, true, true]);
  const stats = {
    state: 'open',
    mode: 'Enforce',
    sinceMs: 0,
    totals: totalsOf(counterSlab.take()),
    latency: [],
  } as const;
  const [entry] = ledger.entries([{ name: 'own', stats: () => stats }], false, 0);
  expect(entry?.report.transitions).toHaveLength(1);
});

it('never counts backwards when a key leaves', () => {
  const { clock, breaker, report } = scene();
  breaker.for('a').enter()!.ignore();
  breaker.for('b').enter()!.fail();
  expect(report()[0]).toMatchObject({ failed: 1 });
  clock.advance(30_000);
  breaker.for('b').enter()!.succeed();
  clock.advance(3_600_000);
  report();
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
      totals: totalsOf(counterSlab.take()),
      latency: [],
    }),
  });
  const report = (...keys: number[]) => {
    const entries = ledger.entries(keys.map(key), false, 0);
    for (const entry of entries) entry.acknowledge();
    return entries.length;
  };
  expect(report(...Array.from({ length: 5_001 }, (_, i) => i))).toBe(5_001);
  expect([report(5_000), report(1), report(0)]).toEqual([0, 0, 1]);
});

it('reports whether code opts in to the fallback of a policy, and when that changes', () => {
  const ledger = new Ledger('0'.repeat(32));
  const stats = {
    state: 'closed',
    mode: 'Enforce',
    sinceMs: 0,
    totals: totalsOf(counterSlab.take()),
    latency: [],
  } as const;
  const report = (over: object, key?: string) => {
    const entries = ledger.entries([{ name: 'a', key, stats: () => ({ ...stats, ...over }) }], false, 0);
    for (const entry of entries) entry.acknowledge();
    return entries.map(({ report }) => report.optedIn);
  };
  expect(report({ uid: 'u' })).toEqual([undefined]);
  expect(report({ uid: 'u', optedIn: false })).toEqual([false]);
  expect(report({ uid: 'u', optedIn: false })).toEqual([]);
  expect(report({ uid: 'u', optedIn: true })).toEqual([true]);
  expect(report({ optedIn: true })).toEqual([undefined]);
  expect(report({ uid: 'u', optedIn: true }, 'k')).toEqual([undefined]);
});

it('tells what the last failure was while the circuit is not closed, and is not sent because of it alone', () => {
  const ledger = new Ledger('0'.repeat(32));
  const stats = { mode: 'Enforce', sinceMs: 0, totals: totalsOf(counterSlab.take()), latency: [] } as const;
  const report = (state: 'open' | 'closed', lastError?: { name: string; message: string }) => {
    const entries = ledger.entries([{ name: 'a', stats: () => ({ ...stats, state, lastError }) }], false, 0);
    for (const entry of entries) entry.acknowledge();
    return entries.map(({ report }) => report.lastError);
  };
  const down = { name: 'Error', message: 'down' };
  expect(report('closed', down)).toEqual([undefined]);
  expect(report('open', down)).toEqual([down]);
  expect(report('open', { ...down, message: 'still down' })).toEqual([]);
  expect(report('closed')).toEqual([undefined]);
});
