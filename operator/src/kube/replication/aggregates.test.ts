import { expect, it } from '@jest/globals';
import type { Aggregate } from '../../core/replication/aggregates.ts';
import type { KubeObject } from '../api/object.ts';
import { encodeRow, MAX_SHARD_BYTES, readShard } from './aggregates.ts';

const NONE = { matched: 0, applied: 0, rejected: 0, stale: 0 };
const NO_BREAKERS = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };
const quiet: Aggregate = {
  uid: 'a',
  generation: 3,
  digest: 'd',
  counts: { agents: NONE, breakers: NO_BREAKERS, fallback: { optedIn: 0, unused: 0 }, open: [], rejections: [] },
};
const busy: Aggregate = {
  uid: 'b',
  generation: 1,
  digest: 'e',
  counts: {
    agents: { matched: 4, applied: 2, rejected: 1, stale: 1, guarded: 1 },
    breakers: { closed: 1, open: 2, halfOpen: 0, shadowOpen: 0 },
    fallback: { optedIn: 1, unused: 2 },
    open: ['payments on shop/pod-1'],
    rejections: [{ agent: 'pod-2', field: 'spec.trip', message: 'a line\nbreak' }],
  },
};

const configMap = (data: object) =>
  ({ metadata: { name: 'n', namespace: 'm', uid: 'u', resourceVersion: '1' }, data }) as KubeObject;
const published = (policies: string) => configMap({ replica: 'r', boot: 'x', sequence: '7', policies });

it('reads what it wrote', () => {
  expect(readShard(published([quiet, busy].map(encodeRow).join('\n')))).toEqual({
    replica: 'r',
    boot: 'x',
    sequence: 7,
    rows: [quiet, busy],
  });
});

it('takes one short line for a policy that nothing is counted for', () => {
  expect(encodeRow(quiet)).toBe('{"uid":"a","generation":3,"digest":"d"}');
  expect(encodeRow(busy)).not.toContain('\n');
});

it('leaves the largest line that can come far below the limit of a shard', () => {
  const long = (length: number) => '\u{1F4A5}'.repeat(length / 2);
  const rejection = { agent: long(512), field: long(512), message: long(256) };
  const counts = { ...busy.counts, open: Array(3).fill(long(800)), rejections: Array(5).fill(rejection) };
  expect(Buffer.byteLength(encodeRow({ ...busy, counts }))).toBeLessThan(MAX_SHARD_BYTES / 4);
});

it.each([
  ['no data', configMap({})],
  ['a line that is not JSON', published('{"uid":')],
  ['a count that is none', published('{"uid":"a","generation":1,"digest":"d","agents":{"matched":-1}}')],
])('throws at %s', (_, object) => {
  expect(() => readShard(object)).toThrow();
});

it('reads over what a newer replica may add', () => {
  const { rows } = readShard(published('{"uid":"a","generation":3,"digest":"d","colour":"red"}'));
  expect(rows).toEqual([quiet]);
});
