import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { until } from '../../test/until.ts';
import type { Source } from '../ports/source.ts';
import { directorySource } from '../sources/directory.ts';
import { localOverrides } from './overrides.ts';

const NOW = 1_700_000_000_000;
const SPEC = { breakers: ['payments'], action: 'ForceOpen' as const, reason: 'why' };
const at = (ms: number) => new Date(NOW + ms).toISOString();

let root: string;
let warnings: string[];
let source: Source | undefined;
const log = pino({ base: null, level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) });
const make = () => localOverrides({ stateFolder: join(root, 'state'), wallClock: () => NOW, log });
const wanted = (spec: object) => ({ namespace: 'shop', spec: { ...SPEC, ...spec }, createdBy: 'ann' });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  warnings = [];
});
afterEach(async () => {
  await source?.stop();
  source = undefined;
  await rm(root, { recursive: true, force: true });
});

describe('overrides without a cluster', () => {
  it('are created, reported, kept over a restart and removed', async () => {
    const store = await make();
    let changes = 0;
    store.follow(() => {
      changes += 1;
    });
    const made = await store.create(wanted({ duration: '10m' }));
    expect(made).toMatchObject({ namespace: 'shop', createdAt: NOW, expiresAt: NOW + 600_000, createdBy: 'ann' });
    const again = await make();
    expect(again.list()).toEqual([made]);
    await again.remove(made);
    expect((await make()).list()).toEqual([]);
    expect(changes).toBe(1);
  });

  it('are removed twice without an error', async () => {
    const store = await make();
    const made = await store.create(wanted({ duration: '10m' }));
    await Promise.all([store.remove(made), store.remove(made)]);
    await store.remove(made);
    expect(store.list()).toEqual([]);
  });

  it.each([
    [{ expiresAt: at(0) }, 'spec.expiresAt: lies in the past; an override must end later than it begins'],
    [{ expiresAt: at(86_400_001) }, 'spec.expiresAt: lies more than 24h ahead; an override lasts at most 24h'],
    [{}, 'spec.expiresAt: an override needs an end; give expiresAt or duration'],
    [{ reason: ' ', duration: '1m' }, 'spec.reason: an override needs a reason; say in a few words why'],
  ])('are refused as the API server would: %j', async (spec, message) => {
    const store = await make();
    await expect(store.create(wanted(spec))).rejects.toMatchObject({ status: 422, message });
    expect(store.list()).toEqual([]);
  });

  it('are not lost when several are made at once', async () => {
    const store = await make();
    await Promise.all(Array.from({ length: 5 }, () => store.create(wanted({ duration: '1m' }))));
    expect(new Set((await make()).list().map(({ name }) => name)).size).toBe(5);
  });

  it('that cannot be read are said once', async () => {
    await (await make()).create(wanted({ duration: '1m' }));
    await writeFile(join(root, 'state/overrides.json'), '[{}]');
    expect((await make()).list()).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('cannot be read; they do not apply')]);
  });
});

describe('an override in a folder of policies', () => {
  const text = (expiresAt: string, reason = 'why') =>
    `apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerOverride\nmetadata: { name: stop, namespace: shop }\nspec: { breakers: [payments], action: ForceOpen, reason: ${reason}, expiresAt: "${expiresAt}" }\n`;
  const begin = async (content: string) => {
    await writeFile(join(root, 'a.yaml'), content);
    const store = await make();
    const quick = { settleMs: 10, settleLossMs: 60, rereadMs: 50 };
    source = directorySource({ folder: root, log, overrides: store, wallClock: () => NOW, ...quick });
    source.start(() => {});
    await until(() => source!.state().synced);
    return store;
  };
  const found = () => source!.state().overrides!.get('shop/stop');

  it('is the same one whenever it is read, and another one when it is edited', async () => {
    await begin(text(at(60_000)));
    const before = found()!;
    expect(before).toMatchObject({ createdAt: NOW, expiresAt: NOW + 60_000, createdBy: 'a file', problems: [] });
    await writeFile(join(root, 'a.yaml'), `# a word\n${text(at(60_000))}`);
    await source!.refresh();
    expect(found()!.uid).toBe(before.uid);
    await writeFile(join(root, 'a.yaml'), text(at(60_000), 'another'));
    await until(() => found()?.uid !== before.uid);
  });

  it('may not end more than a day from when it is read', async () => {
    await begin(text(at(90_000_000)));
    expect(found()!.problems).toEqual([{ field: 'spec.expiresAt', message: expect.stringContaining('24h ahead') }]);
  });

  it('coexists with overrides from other sources, and is removed at its source', async () => {
    const store = await begin(text(at(60_000)));
    const made = await store.create(wanted({ duration: '1m' }));
    expect([...source!.state().overrides!.keys()].sort()).toEqual([`shop/${made.name}`, 'shop/stop']);
    await expect(store.remove(found()!)).rejects.toMatchObject({
      status: 409,
      message: 'override "stop" is in a file of the policies; remove it there',
    });
    await rm(join(root, 'a.yaml'));
    await until(() => found() === undefined);
  });
});
