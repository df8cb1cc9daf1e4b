import { expect, it } from '@jest/globals';
import { mergeOutages } from './merged-outages.ts';
import { QUIET_MS } from './outage.ts';
import type { OutageRow } from './outage-row.ts';

const row = (over: Partial<OutageRow> = {}): OutageRow => ({
  ...{ id: 'a', circuit: 'shop/u/payments', namespace: 'shop', breaker: 'payments', phase: 'refused', began: 0 },
  ...{ instance: 'pod-1', refused: 10, fallback: 5, refusedPerSecond: 2, fallbackPerSecond: 1, hit: 2, agents: 3 },
  ...{ services: [{ service: 'checkout', hit: 2, agents: 3 }], attempts: 1, reopened: 1, actions: [] },
  ...over,
});

it('adds up an outage that two replicas see, from its first opening to its last close', () => {
  const [merged, ...others] = mergeOutages([
    [row({ began: 5_000, id: 'late', closed: 9_000, phase: 'closed', reason: 'slow-call-rate' })],
    [row({ began: 1_000, id: 'first', reason: 'failure-rate', services: [{ service: 'cart', hit: 2, agents: 3 }] })],
  ]);
  expect(others).toEqual([]);
  expect(merged).toMatchObject({
    id: 'first',
    began: 1_000,
    reason: 'failure-rate',
    phase: 'refused',
    hit: 2,
    agents: 6,
  });
  expect(merged).toMatchObject({ refused: 20, refusedPerSecond: 4, attempts: 2 });
  expect(merged!.closed).toBeUndefined();
  expect(merged!.services).toEqual([{ service: 'cart', hit: 2, agents: 3 }]);
  const [both] = mergeOutages([[row({ services: [{ service: 'cart', hit: 2, agents: 3 }] })], [row()]]);
  expect(both).toMatchObject({ hit: 4, agents: 6 });
  expect(both!.services.map(({ service }) => service).sort()).toEqual(['cart', 'checkout']);
});

it('keeps apart what is hours apart, and other breakers', () => {
  const over = { closed: 1_000, phase: 'over' } as const;
  const merged = mergeOutages([
    [row(over), row({ ...over, id: 'soon', began: 1_000 + QUIET_MS - 1, closed: 70_000 })],
    [row({ id: 'hours', began: 9_000_000 }), row({ id: 'other', circuit: 'shop/u/search', breaker: 'search' })],
  ]);
  expect(merged.map(({ id }) => id).sort()).toEqual(['a', 'hours', 'other']);
  expect(merged.find(({ id }) => id === 'a')).toMatchObject({ closed: 70_000, refused: 20 });
});

it('keeps an outage apart from the forced opening before it, and gives it the circuits that are still forced', () => {
  const forced = row({ reason: 'forced-open', began: 0, refused: 10, heard: 1_000 });
  const [outage, before, ...others] = mergeOutages([
    [{ ...forced, closed: 5_000, phase: 'over' }, row({ id: 'b', began: 5_000, reason: 'probe-failed', refused: 3 })],
    [forced],
  ]);
  expect(others).toEqual([]);
  expect(outage).toMatchObject({ id: 'b', began: 5_000, reason: 'probe-failed', refused: 3, hit: 4, agents: 6 });
  expect(before).toMatchObject({ id: 'a', phase: 'over', closed: 5_000, refused: 20 });
  expect(before!.heard).toBeUndefined();
  const later = mergeOutages([[{ ...forced, closed: 5_000, phase: 'over' }], [row({ id: 'b', began: 6_000 })]]);
  expect(later.map(({ id, hit }) => [id, hit])).toEqual([
    ['b', 2],
    ['a', 2],
  ]);
  const after = mergeOutages([[row({ id: 'b', closed: 6_000 })], [row({ reason: 'forced-open', began: 7_000 })]]);
  expect(after).toHaveLength(2);
  const during = mergeOutages([[row({ id: 'b' })], [row({ reason: 'forced-open', began: 7_000 })]]);
  expect(during.map(({ id, hit }) => [id, hit])).toEqual([['b', 4]]);
});

it('counts an override once that both replicas saw', () => {
  const actions = [{ uid: 'o', at: 1, action: 'ForceOpen' }] as const;
  expect(mergeOutages([[row({ actions })], [row({ actions })]])[0]!.actions).toHaveLength(1);
});

it('keeps the newest report, and the override that explains the merged state', () => {
  const held = { uid: 'o', name: 'quiet', at: 0, until: 9_000, action: 'ForceOpen', partly: false } as const;
  const open = row({ heard: 2_000, held, callsPerSecond: 1 });
  const closed = row({ heard: 3_000, phase: 'closed', closed: 4_000, held: { ...held, action: 'ForceClosed' } });
  const [merged] = mergeOutages([[{ ...closed, callsPerSecond: 2 }], [open]]);
  expect(merged).toMatchObject({ heard: 3_000, held, callsPerSecond: 3 });
  // A replica of an older version answers neither.
  const [mixed] = mergeOutages([[row()], [open]]);
  expect(mixed).toMatchObject({ heard: 2_000, held });
  expect(mixed!.callsPerSecond).toBeUndefined();
});
