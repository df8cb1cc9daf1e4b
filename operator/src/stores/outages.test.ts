import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { SavedOutage } from '../core/outages/saved-outage.ts';
import { SERIES_COLUMNS } from '../core/outages/series.ts';
import { localOutages } from './outages.ts';

let stateFolder: string;
let lines: string[];
const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
const make = () => localOutages({ stateFolder, log });

const outage = (id: string, over: Partial<SavedOutage> = {}): SavedOutage => ({
  ...{ id, namespace: 'shop', breakerId: 'shop/u/payments', uid: 'u', breaker: 'payments', instance: 'pod-1' },
  ...{ began: 1_000, heard: 9_000, over: false, refused: 30, fallback: 29, attempts: 2, reopened: 1 },
  ...{ mostHit: 3, mostHitOf: 5, services: [{ service: 'checkout', hit: 3, agents: 5 }] },
  actions: [{ uid: 'o', at: 5_000, action: 'ForceOpen', reason: 'the partner asked', by: 'ann' }],
  series: { begin: 0, slotMs: 2_000, values: SERIES_COLUMNS.map((_, i) => i), reported: [1] },
  ...over,
});

beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  lines = [];
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));

it('keeps the newest content of each outage for the next start, until it is removed', async () => {
  const store = make();
  expect(await store.load()).toEqual([]);
  for (const refused of [1, 2, 3]) store.save(outage('1-payments', { refused }));
  store.save(outage('1-payments', { namespace: 'billing', reason: 'failure-rate', error: 'e: m', closed: 8_000 }));
  store.save(outage('2-payments', { over: true, closed: 8_000 }));
  await store.stop();
  const found = await make().load();
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      outage('1-payments', { refused: 3 }),
      outage('1-payments', { namespace: 'billing', reason: 'failure-rate', error: 'e: m', closed: 8_000 }),
      outage('2-payments', { over: true, closed: 8_000 }),
    ]),
  );
  store.remove({ namespace: 'shop', id: '2-payments' });
  store.remove({ namespace: 'shop', id: 'none' });
  await store.stop();
  expect((await make().load()).map(({ id }) => id)).toEqual(['1-payments', '1-payments']);
  expect(lines).toEqual([]);
});

it('leaves out what cannot be read, with one line, and removes what a crash cut off', async () => {
  const store = make();
  store.save(outage('1-payments'));
  await store.stop();
  const folder = join(stateFolder, 'outages');
  await writeFile(join(folder, '.5c7f'), '{half');
  await writeFile(join(folder, `${'a'.repeat(32)}.json`), '{half');
  const short = outage('short', { series: { begin: 0, slotMs: 2_000, values: [1], reported: [1, 1] } });
  await writeFile(join(folder, `${'b'.repeat(32)}.json`), JSON.stringify(short));
  expect((await make().load()).map(({ id }) => id)).toEqual(['1-payments']);
  expect(lines).toEqual(['an outage cannot be read; it is left out']);
  expect(await readdir(folder)).toHaveLength(1);
});

it('says once that nothing can be saved, and once that it is saved again', async () => {
  await writeFile(join(stateFolder, 'outages'), 'a file in the way');
  const store = make();
  for (const id of ['1', '2']) {
    store.save(outage(id));
    await store.stop();
  }
  expect(lines).toEqual(['outages cannot be saved; a restart of the operator loses them']);
  await rm(join(stateFolder, 'outages'));
  await mkdir(join(stateFolder, 'outages'), { mode: 0o700 });
  store.save(outage('3'));
  await store.stop();
  expect(lines.slice(1)).toEqual(['outages are saved again']);
  expect((await make().load()).map(({ id }) => id)).toEqual(['3']);
});
