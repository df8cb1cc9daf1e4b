import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Shards } from './shards.ts';

/** Makes every due write and returns the stored shards; calls `look` after each write. */
function store(shards: Shards, stored: Map<number, string>, look: () => void = () => {}): number {
  let writes = 0;
  for (let due = shards.next(); due; due = shards.next()) {
    if (due.text === undefined) stored.delete(due.index);
    else stored.set(due.index, due.text);
    shards.stored(due);
    writes += 1;
    look();
  }
  return writes;
}

const lines = (stored: Map<number, string>) => [...stored.values()].flatMap((text) => text.split('\n')).sort();

it('writes nothing where nothing changed', () => {
  const shards = new Shards(1_000);
  const stored = new Map<number, string>();
  shards.set('a', 'one');
  expect(store(shards, stored)).toBe(1);
  shards.set('a', 'one');
  shards.set('a', 'two');
  shards.set('a', 'one');
  expect(store(shards, stored)).toBe(0);
});

it('writes only the shard that a change is in', () => {
  const shards = new Shards(200);
  const stored = new Map<number, string>();
  for (let i = 0; i < 100; i += 1) shards.set(`key-${i}`, `line of ${i}`);
  store(shards, stored);
  expect(shards.count).toBeGreaterThan(4);
  shards.set('key-7', 'another line');
  expect(store(shards, stored)).toBe(1);
});

it('takes away a shard that is empty', () => {
  const shards = new Shards(1_000);
  const stored = new Map<number, string>();
  shards.set('a', 'one');
  store(shards, stored);
  shards.set('a', undefined);
  store(shards, stored);
  expect(stored).toEqual(new Map());
  expect(shards.indices).toEqual([]);
});

it('stores again what was lost', () => {
  const shards = new Shards(1_000);
  const stored = new Map<number, string>();
  shards.set('a', 'one');
  store(shards, stored);
  stored.clear();
  shards.lost(0);
  store(shards, stored);
  expect(lines(stored)).toEqual(['one']);
});

it('holds every line within the limit, at every moment, whatever comes and goes', () => {
  const change = fc.record({
    key: fc.nat({ max: 40 }).map((i) => `key-${i}`),
    line: fc.option(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 20 }), { maxLength: 12 }), (rounds) => {
      const shards = new Shards(300);
      const stored = new Map<number, string>();
      const wanted = new Map<string, string>();
      for (const round of rounds) {
        const before = new Map(wanted);
        for (const { key, line } of round) {
          shards.set(key, line && `${key} ${line}`);
          if (line === undefined) wanted.delete(key);
          else wanted.set(key, `${key} ${line}`);
        }
        const kept = [...wanted.values()].filter((line) => before.get(line.split(' ')[0]!) === line);
        store(shards, stored, () => {
          const now = new Set(lines(stored));
          expect(kept.filter((line) => !now.has(line))).toEqual([]);
        });
        expect(lines(stored)).toEqual([...wanted.values()].sort());
        for (const text of stored.values()) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(300);
      }
    }),
  );
});
