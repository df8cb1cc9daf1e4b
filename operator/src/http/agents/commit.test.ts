import { expect, it } from '@jest/globals';
import { policy } from '../../../test/memory-source.ts';
import type { Board } from '../../core/delivery/snapshot.ts';
import { Boards } from '../../core/delivery/snapshots.ts';
import { encodeCommit } from './commit.ts';

function boardsOf(count: number, ...generations: number[]): Board[] {
  const boards = new Boards();
  return generations.map((generation) => {
    const breakers = Array.from({ length: 63 }, (_, i) => `${'x'.repeat(100)}${i}`);
    boards.update(
      Array.from({ length: count }, (_, i) =>
        policy(`p${i}`, { generation, spec: { breakers: [`p${i}`, ...breakers] } }),
      ),
    );
    return boards.board('default', {});
  });
}

const text = (batches: Iterable<Buffer>) => Buffer.concat([...batches]).toString();

it('gives the same bytes to all agents that make the same step in a moment', () => {
  const [before, after] = boardsOf(1, 1, 2);
  const offer = { board: after!, asOf: { policies: '7' } };
  const [first] = encodeCommit(before, offer, 1_000);
  expect([...encodeCommit(before, offer, 1_100)][0]).toBe(first);
  expect(text([first!])).toContain(`"kind":"patch","base":"${before!.revision}"`);
});

it('gives other bytes from another base, at another time, for another asOf and for a reset', () => {
  const [before, after] = boardsOf(1, 1, 2);
  const asOf = { policies: '7' };
  const plain = text(encodeCommit(before, { board: after!, asOf }, 1_000));
  expect(text(encodeCommit(undefined, { board: after!, asOf }, 1_000))).toContain('"kind":"snapshot"');
  expect(text(encodeCommit(before, { board: after!, asOf }, 2_000))).toContain('"now":2000');
  expect(text(encodeCommit(before, { board: after!, asOf: { policies: '8' } }, 1_000))).toContain('"policies":"8"');
  expect(text(encodeCommit(undefined, { board: after!, asOf, reset: true }, 1_000))).toContain('"reset":true');
  expect(plain).toContain('"now":1000');
});

it('cuts a large board into batches that are made as they are asked for', () => {
  const [board] = boardsOf(40, 1);
  const batches = encodeCommit(undefined, { board: board!, asOf: undefined }, 1_000);
  expect(Array.isArray(batches)).toBe(false);
  const sizes = [...batches].map(({ length }) => length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(128 * 1_024);
});
