import { describe, expect, it } from '@jest/globals';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import type { PolicyRow } from '../../src/core/views/policy-row.ts';
import type { LiveState } from '../../src/http/admin/live/live.ts';
import { SILENCE_MS } from './connection.ts';
import { Store } from './store.ts';

const row = (id: string, over: Partial<BreakerRow> = {}): BreakerRow => ({
  ...{
    id,
    namespace: 'shop',
    breaker: id,
    state: 'closed',
    shadow: false,
    since: 0,
    heard: 900,
    agents: 1,
    services: [],
  },
  states: { closed: 1, open: 0, halfOpen: 0, shadowOpen: 0 },
  ...{ unwell: [], window: { calls: 0, failed: 0, slow: 0, rejected: 0 }, latency: [], slot: 5, changes: [] },
  samples: [4, 1, 0, 0],
  ...over,
});

const stamp = (over: object = {}) => ({ at: 10_000, replica: 'r', others: [], slot: 5, slotMs: 2_000, ...over });

const state = (...rows: BreakerRow[]): LiveState => ({
  ...stamp(),
  source: { kind: 'directory', synced: true, problems: 0 },
  overview: {
    breakers: { closed: 1, open: 0, halfOpen: 0, shadowOpen: 0 },
    ...{ rows: rows.length, policies: { total: 0 } },
    agents: { connected: 1, connecting: 0, stale: 0, gone: 0, rejecting: 0 },
    outages: { lasting: 0, over: 0 },
  },
  policies: [],
  rows,
});

function begin(...rows: BreakerRow[]) {
  const clock = { now: 0 };
  const due: (() => void)[] = [];
  const store = new Store(
    () => clock.now,
    (task) => due.push(task),
  );
  store.state(state(...rows));
  return { store, clock, due };
}

describe('what the page knows', () => {
  it('takes what is different, and keeps the rest', () => {
    const { store } = begin(row('a'), row('b'));
    store.difference({ ...stamp({ slot: 6 }), rows: [row('a', { slot: 5, samples: [6, 1, 0, 0, 2, 0, 0, 0] })] });
    expect(store.cells.get('a')!.ring.read(5, 6)).toEqual([6, 1, 0, 0, 2, 0, 0, 0]);
    expect(store.cells.get('b')!.ring.read(5, 6)).toEqual([4, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('forgets what is gone, in a difference and in a new state', () => {
    const { store } = begin(row('a'), row('b'), row('c'));
    store.difference({ ...stamp(), rowsGone: ['a'] });
    expect([...store.cells.keys()]).toEqual(['b', 'c']);
    store.state(state(row('c')));
    expect([...store.cells.keys()]).toEqual(['c']);
  });

  it('starts over with the counts of another replica', () => {
    const { store } = begin(row('a', { slot: 900, samples: [7, 0, 0, 0] }));
    store.state(state(row('a')));
    expect(store.cells.get('a')!.ring.read(5, 5)).toEqual([4, 1, 0, 0]);
    expect(store.cells.get('a')!.ring.read(900, 900)).toEqual([0, 0, 0, 0]);
  });

  it('puts a breaker that opened first, at most once a second', () => {
    const { store, clock, due } = begin(row('a'), row('b'));
    store.difference({ ...stamp(), rows: [row('b', { state: 'open' })] });
    expect(store.ranked.value).toEqual(['a', 'b']);
    clock.now = 1_000;
    for (const task of due) task();
    expect(store.ranked.value).toEqual(['b', 'a']);
  });

  it('searches names, policies and agents, and filters by state', () => {
    const { store } = begin(row('payments'), row('search', { state: 'open', unwell: ['pod-7'] }));
    const shown = (filter: object) => {
      store.filter.value = { search: '', ...filter };
      return store.shown.value;
    };
    expect(shown({ search: 'PAY shop' })).toEqual(['payments']);
    expect(shown({ search: 'pod-7' })).toEqual(['search']);
    expect(shown({ state: 'open' })).toEqual(['search']);
    expect(shown({ state: 'half-open' })).toEqual([]);
  });

  it('lets ages continue in silence, and nothing else', () => {
    const { store, clock } = begin(row('a'));
    clock.now = 60_000;
    store.tick();
    expect(store.now.value).toBe(70_000);
    expect(store.known.value).toBe(12_500);
    expect(store.slot.value).toBe(6);
  });

  it('says what is open on the agents of other replicas only', () => {
    const states = { closed: 0, open: 1, halfOpen: 0, shadowOpen: 0 };
    const { store } = begin(row('a', { uid: 'u', state: 'open', states }));
    const told: PolicyRow = {
      ...{ uid: 'u', namespace: 'shop', name: 'payments', generation: 1, breakers: [], message: '' },
      ...{ mode: 'Enforce', rollout: 'Programmed', states: { ...states, open: 3 } },
    };
    store.difference({ ...stamp(), policies: [told] });
    expect(store.openElsewhere()).toEqual([]);
    store.difference(stamp({ others: ['replica-2'] }));
    expect(store.openElsewhere().map(({ policy: { name }, open }) => [name, open])).toEqual([['payments', 2]]);
  });

  it('tells a younger age of a row in which nothing else is different', () => {
    const { store } = begin(row('a'));
    store.difference({ ...stamp(), heard: { a: 9_999, unknown: 1 } });
    expect(store.cells.get('a')!.row.value.heard).toBe(9_999);
  });
});

describe('a lost connection', () => {
  it('is shown within 5 s: after two heartbeats that did not come', () => {
    expect(SILENCE_MS).toBeLessThanOrEqual(4_000);
  });
});
