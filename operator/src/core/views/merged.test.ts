import { describe, expect, it } from '@jest/globals';
import type { StateChange } from '../fleet/fleet-breakers.ts';
import type { BreakerRow } from './breaker-row.ts';
import { mergeAgents, mergeBreakers } from './merged.ts';

const agent = (instance: string, connected: boolean, silentMs: number) => ({
  namespace: 'shop',
  service: 'checkout',
  instance,
  boot: `boot-of-${instance}`,
  connected,
  silentMs,
});

const change = (at: number, instance: string): StateChange => ({
  ...{ at, instance, from: 'closed', to: 'open', reason: 'failure-rate' },
});

const row = (over: Partial<BreakerRow>): BreakerRow => ({
  ...{ id: 'r', namespace: 'shop', breaker: 'payments', uid: 'u', state: 'closed', shadow: false },
  ...{
    since: 1_000,
    heard: 5_000,
    agents: 1,
    services: [{ service: 'checkout', agents: 1 }],
    unwell: [],
    latency: [],
    slot: 10,
    samples: [],
    changes: [],
  },
  states: { closed: 1, open: 0, halfOpen: 0, shadowOpen: 0 },
  window: { calls: 10, failed: 1, slow: 0, rejected: 0 },
  ...over,
});
const open = (since: number, instance: string, over: Partial<BreakerRow> = {}) =>
  row({
    ...{ state: 'open', since, unwell: [instance], changes: [change(since, instance)] },
    states: { closed: 0, open: 1, halfOpen: 0, shadowOpen: 0 },
    ...over,
  });
const merge = (...rows: readonly BreakerRow[]) =>
  mergeBreakers(rows.map((one) => ({ at: 6_000, slot: 10, items: [one] })));

describe('agents of several replicas', () => {
  it('are each there once, in one order from whichever replica', () => {
    const [a, b, c] = [agent('a', true, 1), agent('b', true, 2), agent('c', true, 3)];
    expect(mergeAgents([[c, a], [b]])).toEqual([a, b, c]);
    expect(mergeAgents([[b], [a, c]])).toEqual([a, b, c]);
  });

  it('are taken from the replica that holds the stream, else from the one that heard them last', () => {
    const moved = [agent('a', false, 10), agent('a', true, 900)];
    expect(mergeAgents([[moved[0]!], [moved[1]!]])).toEqual([moved[1]]);
    expect(mergeAgents([[moved[1]!], [moved[0]!]])).toEqual([moved[1]]);
    const silent = [agent('a', false, 10), agent('a', false, 900)];
    expect(mergeAgents([[silent[1]!], [silent[0]!]])).toEqual([silent[0]]);
  });
});

describe('breakers of several replicas', () => {
  it('are in the worst state of any, since the first of them opened', () => {
    expect(merge(row({}), open(3_000, 'b'), open(2_000, 'a'))).toMatchObject([
      {
        state: 'open',
        since: 2_000,
        unwell: ['a', 'b'],
        agents: 3,
        states: { closed: 1, open: 2 },
        services: [{ service: 'checkout', agents: 3 }],
      },
    ]);
  });

  it('are closed since the last of them closed', () => {
    expect(merge(row({ since: 1_000 }), row({ since: 4_000 }))).toMatchObject([{ state: 'closed', since: 4_000 }]);
  });

  it('are open in Shadow only where none is half-open', () => {
    const shadow = open(1_000, 'a', { shadow: true });
    const halfOpen = row({ state: 'half-open', since: 2_000, unwell: ['b'] });
    expect(merge(shadow, halfOpen)).toMatchObject([{ state: 'half-open', shadow: false, unwell: ['b'] }]);
    expect(merge(shadow, row({}))).toMatchObject([{ state: 'open', shadow: true, unwell: ['a'] }]);
  });

  it('sum windows and latencies, and keep the newest transitions in order', () => {
    const changes = Array.from({ length: 15 }, (_, i) => change(i, 'a'));
    const [merged] = merge(
      row({ latency: [1], changes }),
      row({ latency: [1, 2], changes: changes.map((one) => ({ ...one, at: one.at + 100 })) }),
    );
    expect(merged).toMatchObject({ window: { calls: 20, failed: 2 }, latency: [2, 2] });
    expect(merged!.changes.map(({ at }) => at)).toEqual([10, 11, 12, 13, 14, ...changes.map(({ at }) => at + 100)]);
  });

  it('add samples of the same time, whatever number each replica gives it', () => {
    const early = { at: 0, slot: 10, items: [row({ slot: 9, samples: [1, 0, 0, 0, 2, 0, 0, 0] })] };
    const late = { at: 0, slot: 510, items: [row({ slot: 510, samples: [5, 1, 0, 0] })] };
    expect(mergeBreakers([early, late])).toMatchObject([{ slot: 9, samples: [1, 0, 0, 0, 7, 1, 0, 0] }]);
  });

  it('stay apart by policy', () => {
    expect(merge(row({}), row({ uid: 'other' }))).toHaveLength(2);
  });
});
