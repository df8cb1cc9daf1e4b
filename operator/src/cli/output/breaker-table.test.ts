import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import type { Target } from '../client/target.ts';
import type { Terminal } from '../terminal.ts';
import { breakerColumns, listHeldBreakers } from './breaker-table.ts';
import { table } from './output.ts';

const row = (breaker: string, over: object) => ({
  ...{ namespace: 'shop', breaker, state: 'open', shadow: false, since: 98_000, heard: 99_000, agents: 1, slot: 0 },
  ...{ unwell: [], latency: [], samples: [], changes: [], services: [] },
  window: { calls: 0, failed: 0, slow: 0, rejected: 0 },
  states: { closed: 0, open: 1, halfOpen: 0, shadowOpen: 0 },
  ...over,
});
const outage = (breaker: string, phase: string) => ({
  outage: { id: breaker, circuit: breaker, phase, began: 46_000, services: [], actions: [] },
});

const targetOf = (overrides: readonly object[]) => {
  const items = [row('a', outage('a', 'refused')), row('b', outage('b', 'closed')), row('c', {})];
  const answer = { replica: 'r', others: [], at: 100_000, slot: 0, items };
  return {
    replicas: async () => [{ name: 'r', admin: { get: async () => answer } }],
    unlistedReason: '',
    overrides: async () => overrides,
  } as unknown as Target;
};

const cellsOf = async (overrides: readonly object[]) => {
  const { at, items } = await listHeldBreakers(targetOf(overrides), 'shop');
  const terminal = { args: [], out: new PassThrough() } as unknown as Terminal;
  const columns = breakerColumns('shop', at).filter(({ title }) =>
    ['breaker', 'state', 'for', 'override', 'state for'].includes(title),
  );
  return table(items, columns, terminal)
    .split('\n')
    .map((line) => line.trim().split(/ {3,}/));
};

it('shows how long the outage lasts where one does, and the time of the state beside it', async () => {
  expect(await cellsOf([])).toEqual([
    ['BREAKER', 'STATE', 'FOR', 'OVERRIDE', 'STATE FOR'],
    ['a', 'open', '54s', '2s'],
    ['b', 'open', '2s', '2s'],
    ['c', 'open', '2s', '2s'],
    [''],
  ]);
});

it('marks breakers that an override in force names, the newest override first', async () => {
  const override = { namespace: 'shop', name: 'old', createdAt: 1, expiresAt: 200_000, status: {} };
  const cells = await cellsOf([
    { ...override, spec: { action: 'ForceClosed', breakers: ['*'] } },
    { ...override, name: 'new', createdAt: 2, spec: { action: 'ForceOpen', breakers: ['a'] } },
    { ...override, name: 'reset', createdAt: 3, spec: { action: 'Reset', breakers: ['*'] } },
    { ...override, name: 'ended', createdAt: 4, expiresAt: 99_000, spec: { action: 'ForceOpen', breakers: ['*'] } },
  ]);
  expect(cells.slice(1, 3)).toEqual([
    ['a', 'open (override)', '54s', 'ForceOpen new', '2s'],
    ['b', 'open (override)', '2s', 'ForceClosed old', '2s'],
  ]);
});
