import { expect, it } from '@jest/globals';
import { policy } from '../../../test/memory-source.ts';
import type { Snapshot } from '../../core/delivery/snapshot.ts';
import { SnapshotCache } from '../../core/delivery/snapshot-cache.ts';
import { encodeCommit } from './commit.ts';

function snapshotsOf(count: number, ...generations: number[]): Snapshot[] {
  const snapshots = new SnapshotCache();
  return generations.map((generation) => {
    const breakers = Array.from({ length: 63 }, (_, i) => `${'x'.repeat(100)}${i}`);
    snapshots.update(
      Array.from({ length: count }, (_, i) =>
        policy(`p${i}`, { generation, spec: { breakers: [`p${i}`, ...breakers] } }),
      ),
    );
    return snapshots.snapshot('default', {});
  });
}

const text = (batches: Iterable<Buffer>) => Buffer.concat([...batches]).toString();

it('gives the same bytes to all agents that make the same step in a moment', () => {
  const [before, after] = snapshotsOf(1, 1, 2);
  const offer = { snapshot: after!, asOf: { policies: '7' } };
  const [first] = encodeCommit(before, offer, 1_000);
  expect([...encodeCommit(before, offer, 1_100)][0]).toBe(first);
  expect(text([first!])).toContain(`"kind":"patch","base":"${before!.revision}"`);
});

it('gives other bytes from another base, at another time, for another asOf and for a reset', () => {
  const [before, after] = snapshotsOf(1, 1, 2);
  const asOf = { policies: '7' };
  const plain = text(encodeCommit(before, { snapshot: after!, asOf }, 1_000));
  expect(text(encodeCommit(undefined, { snapshot: after!, asOf }, 1_000))).toContain('"kind":"snapshot"');
  expect(text(encodeCommit(before, { snapshot: after!, asOf }, 2_000))).toContain('"now":2000');
  expect(text(encodeCommit(before, { snapshot: after!, asOf: { policies: '8' } }, 1_000))).toContain('"policies":"8"');
  expect(text(encodeCommit(undefined, { snapshot: after!, asOf, reset: true }, 1_000))).toContain('"reset":true');
  expect(plain).toContain('"now":1000');
});

it('cuts a large snapshot into batches that are made as they are asked for', () => {
  const [snapshot] = snapshotsOf(40, 1);
  const batches = encodeCommit(undefined, { snapshot: snapshot!, asOf: undefined }, 1_000);
  expect(Array.isArray(batches)).toBe(false);
  const sizes = [...batches].map(({ length }) => length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(128 * 1_024);
});
