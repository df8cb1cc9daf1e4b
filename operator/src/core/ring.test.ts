import { describe, expect, it } from '@jest/globals';
import { Ring } from './ring.ts';

describe('Ring', () => {
  it('adds what falls into one slot', () => {
    const ring = new Ring(4, 2);
    ring.add(10, [1, 2]);
    ring.add(10, [3, 4]);
    expect(ring.read(10, 10)).toEqual([4, 6]);
  });

  it('reads zero where nothing was counted', () => {
    const ring = new Ring(4, 1);
    ring.add(10, [5]);
    ring.add(12, [7]);
    expect(ring.read(9, 13)).toEqual([0, 5, 0, 7, 0]);
    expect(ring.sum(9, 13)).toEqual([12]);
  });

  it('forgets the oldest slot for the newest', () => {
    const ring = new Ring(3, 1);
    for (const slot of [1, 2, 3, 4]) ring.add(slot, [slot]);
    expect(ring.read(1, 4)).toEqual([0, 2, 3, 4]);
  });

  it('takes late counts as long as it holds their slot', () => {
    const ring = new Ring(3, 1);
    ring.add(5, [1]);
    ring.add(4, [1]);
    ring.add(2, [1]);
    expect(ring.read(2, 5)).toEqual([0, 0, 1, 1]);
  });

  it('is empty after a silence longer than it reaches back', () => {
    const ring = new Ring(3, 1);
    ring.add(5, [1]);
    ring.add(500, [2]);
    expect(ring.read(498, 500)).toEqual([0, 0, 2]);
  });
});
