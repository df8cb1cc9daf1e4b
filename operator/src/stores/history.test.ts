import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { localHistory } from './history.ts';

let stateFolder: string;
let now: number;
let warnings: string[];

const policy = (threshold: number, name = 'payments') => ({
  uid: name,
  namespace: 'shop',
  name,
  generation: 0,
  createdAt: 0,
  spec: { breakers: [name], trip: { consecutiveFailures: threshold } },
  problems: [],
});
const begin = ({ inMemory = false } = {}) => {
  warnings = [];
  const log = pino({ base: null }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) });
  return localHistory({ ...(!inMemory && { stateFolder }), wallClock: () => now, log });
};
const thresholds = async (history: ReturnType<typeof begin>, name?: string) =>
  (await history.list(policy(0, name))).map(({ revision, spec }) => {
    const { trip } = spec as { trip: { consecutiveFailures: number } };
    return `${revision}: ${trip.consecutiveFailures}`;
  });

beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  now = 1_000;
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));

it('numbers the edits that it sees, and passes over what is no edit', async () => {
  const history = begin();
  for (const threshold of [1, 1, 2, 1]) history.record(policy(threshold));
  history.record(policy(9, 'other'));
  expect(await thresholds(history)).toEqual(['3: 1', '2: 2', '1: 1']);
  expect(await thresholds(history, 'other')).toEqual(['1: 9']);
  expect((await history.list(policy(0)))[0]!.at).toBe(1_000);
});

it('survives a restart, and keeps the ten newest', async () => {
  const before = begin();
  for (let threshold = 1; threshold <= 8; threshold += 1) before.record(policy(threshold));
  await before.stop();
  const after = begin();
  after.record(policy(8));
  for (let threshold = 9; threshold <= 13; threshold += 1) after.record(policy(threshold));
  const found = await thresholds(after);
  expect([found.length, found[0], found.at(-1)]).toEqual([10, '13: 13', '4: 4']);
});

it.each([false, true])(
  'is still there for a policy that went and came back (in memory alone: %s)',
  async (inMemory) => {
    const history = begin({ inMemory });
    for (const threshold of [1, 2]) history.record(policy(threshold));
    history.forget(policy(2));
    expect(await thresholds(history)).toEqual(['2: 2', '1: 1']);
    history.record(policy(3));
    expect(await thresholds(history)).toEqual(['3: 3', '2: 2', '1: 1']);
  },
);

it('starts over where what it kept is damaged, and says so', async () => {
  const before = begin();
  before.record(policy(1));
  await before.stop();
  const [file] = await readdir(join(stateFolder, 'history'));
  await writeFile(join(stateFolder, 'history', file!), '{half');
  const after = begin();
  after.record(policy(2));
  expect(await thresholds(after)).toEqual(['1: 2']);
  expect(warnings).toEqual(['the history of a policy cannot be read; it starts over']);
});

it('is in memory alone without a folder', async () => {
  const history = begin({ inMemory: true });
  history.record(policy(1));
  expect(await thresholds(history)).toEqual(['1: 1']);
  expect(await readdir(stateFolder)).toEqual([]);
});
