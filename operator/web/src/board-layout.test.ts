import { describe, expect, it } from '@jest/globals';
import { layOut, neighbour } from './board-layout.ts';

const SIZES = { gap: 10, tile: { least: 200, most: 300, height: 100 }, line: { least: 300, height: 20 } };

describe('the layout of the board', () => {
  it('places tiles in rows, and lines below them down the columns', () => {
    const { places, height } = layOut(3, 3, 650, SIZES);
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
    expect(layOut(1, 0, 650, SIZES).places[0]!.width).toBe(300);
    expect(layOut(2, 0, 530, SIZES).places.map(({ width }) => width)).toEqual([250, 250]);
  });

  it('begins with the lines where everything is well', () => {
    expect(layOut(0, 1, 650, SIZES).places[0]).toMatchObject({ y: 10, height: 20 });
  });

  it('has one column where there is no room for two', () => {
    expect(layOut(2, 1, 150, SIZES).places.map(({ x }) => x)).toEqual([10, 10, 10]);
  });
});

describe('an arrow key', () => {
  const { places } = layOut(3, 3, 650, SIZES);
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
