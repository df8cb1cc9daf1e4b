import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { INVARIANTS, type Invariant } from './model/checker.ts';
import { plan } from './model/plan.ts';
import { readOptions } from './options.ts';
import { playSchedule } from './schedule.ts';
import { story } from './story.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
}, 600_000);

afterAll(() => cluster?.stop());

const { speed, bounds } = readOptions([]);

/** What must not wait for agreement that never comes. */
const SOON = { ...bounds, convergeMs: 5_000 };

async function found(seed: number, plant?: Invariant, python = false) {
  const folder = join(cluster.folder, `schedule-${seed}`);
  const planned = plan(seed, 10);
  return playSchedule(
    plant === undefined
      ? { cluster, folder, plan: planned, speed, bounds, python }
      : { cluster, folder, plan: planned, speed, bounds: SOON, plant, python },
  );
}

it('finds nothing in a schedule of faults, and agents that ran policies and made calls', async () => {
  const { violations, records } = await found(1);
  expect(violations.map((violation) => [violation, ...story(violation, records)])).toEqual([]);
  const count = (kind: string) => records.filter((record) => record.kind === kind).length;
  for (const kind of ['applied', 'call', 'probe', 'written', 'memory', 'fault']) expect(count(kind)).toBeGreaterThan(4);
}, 180_000);

it.each(INVARIANTS.map((invariant, i) => [invariant, i + 2] as const))(
  'finds that %s was broken on purpose',
  async (plant, seed) => {
    const { violations } = await found(seed, plant);
    expect(violations.map(({ invariant }) => invariant)).toContain(plant);
  },
  180_000,
);

it.each([21, 22])(
  'finds nothing in schedule %i with half of the agents in Python, and they ran policies and made calls',
  async (seed) => {
    const { violations, records } = await found(seed, undefined, true);
    expect(violations.map((violation) => [violation, ...story(violation, records)])).toEqual([]);
    const inPython = records.filter((record) => 'agent' in record && record.agent.startsWith('checkout-2'));
    for (const kind of ['applied', 'call', 'probe', 'memory'])
      expect(inPython.filter((record) => record.kind === kind).length).toBeGreaterThan(2);
  },
  180_000,
);

it.each(INVARIANTS.map((invariant, i) => [invariant, i + 23] as const))(
  'finds that %s was broken on purpose in an agent for Python',
  async (plant, seed) => {
    const { violations } = await found(seed, plant, true);
    const inPython = violations.filter(({ agent }) => agent?.startsWith('checkout-2'));
    expect(inPython.map(({ invariant }) => invariant)).toContain(plant);
  },
  180_000,
);
