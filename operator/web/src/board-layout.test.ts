import { describe, expect, it } from '@jest/globals';
import { groupsOf } from './board-groups.ts';
import { layOut, neighbour } from './board-layout.ts';

const SIZES = {
  ...{ gap: 10, heading: 30, tile: { least: 200, most: 300, height: 100 } },
  line: { least: 300, height: 20 },
};
const one = (tiles: number, lines: number) => [{ name: '', tiles, lines }];

describe('the layout of the board', () => {
  it('places tiles in rows, and lines below them down the columns', () => {
    const { places, height } = layOut(one(3, 3), 650, SIZES);
    expect(places.map(({ x, y }) => [Math.round(x), y])).toEqual([
      [10, 10],
      [223, 10],
      [437, 10],
      [10, 120],
      [10, 140],
      [330, 120],
    ]);
    expect(height).toBe(170);
  });

  it('makes few tiles wide, up to the widest', () => {
    expect(layOut(one(1, 0), 650, SIZES).places[0]!.width).toBe(300);
    expect(layOut(one(2, 0), 530, SIZES).places.map(({ width }) => width)).toEqual([250, 250]);
  });

  it('begins with the lines where everything is well', () => {
    expect(layOut(one(0, 1), 650, SIZES).places[0]).toMatchObject({ y: 10, height: 20 });
  });

  it('has one column where there is no room for two', () => {
    expect(layOut(one(2, 1), 150, SIZES).places.map(({ x }) => x)).toEqual([10, 10, 10]);
  });
});

describe('a grouped board', () => {
  it('places groups below each other, each with a heading', () => {
    const groups = [
      { name: 'shop', tiles: 1, lines: 1 },
      { name: 'billing', tiles: 0, lines: 2 },
    ];
    const { places, headings, height } = layOut(groups, 300, SIZES);
    expect(headings).toEqual([
      { name: 'shop', y: 0 },
      { name: 'billing', y: 180 },
    ]);
    expect(places.map(({ y }) => y)).toEqual([40, 150, 220, 240]);
    expect(height).toBe(270);
  });

  it('begins with the group of the worst breaker, and keeps the order within a group', () => {
    const rows = { a: 'shop', b: 'billing', c: 'shop' } as Record<string, string>;
    const rowOf = (id: string) => ({ namespace: rows[id]!, breaker: id === 'a' ? 'x' : 'y' });
    expect(groupsOf(['a', 'b', 'c'], 'namespace', rowOf)).toEqual([
      { name: 'shop', ids: ['a', 'c'] },
      { name: 'billing', ids: ['b'] },
    ]);
    expect(groupsOf(['a', 'b', 'c'], 'dependency', rowOf).map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']]);
    expect(groupsOf(['a', 'b'], undefined, rowOf)).toEqual([{ name: '', ids: ['a', 'b'] }]);
    expect(groupsOf([], undefined, rowOf)).toEqual([]);
  });
});

describe('an arrow key', () => {
  const { places } = layOut(one(3, 3), 650, SIZES);
  it.each([
    ['ArrowRight', 0, 1],
    ['ArrowLeft', 1, 0],
    ['ArrowLeft', 0, undefined],
    ['ArrowDown', 0, 3],
    ['ArrowDown', 2, 5],
    ['ArrowUp', 5, 1],
    ['ArrowUp', 1, undefined],
    ['Home', 4, 0],
    ['End', 0, 5],
    ['Enter', 0, undefined],
  ] as const)('%s from item %d leads to %p', (key, from, to) => {
    expect(neighbour(places, from, key)).toBe(to);
  });
});
