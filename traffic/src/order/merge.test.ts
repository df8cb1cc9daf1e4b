import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Call } from '../call.ts';
import { merged } from './merge.ts';

const call = (start: number): Call => ({ start, durationMs: 1, outcome: 'success', breaker: 'a' });

function source(starts: readonly number[], size: number, state: { open: number; most: number }, earliest?: number) {
  return {
    earliest: earliest ?? starts[0] ?? Number.NEGATIVE_INFINITY,
    async *open() {
      state.most = Math.max(state.most, ++state.open);
      try {
        for (let at = 0; at < starts.length; at += size) yield starts.slice(at, at + size).map(call);
        yield [];
      } finally {
        state.open--;
      }
    },
  };
}

async function all(batches: AsyncIterable<Call[]>): Promise<number[]> {
  const found: number[] = [];
  for await (const batch of batches) found.push(...batch.map(({ start }) => start));
  return found;
}

describe('merging', () => {
  it('gives all calls of all sources in order', async () => {
    const lists = fc.array(fc.array(fc.integer({ min: 0, max: 100 })).map((list) => list.sort((a, b) => a - b)));
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 5 }), async (given, size) => {
        const state = { open: 0, most: 0 };
        const found = await all(merged(given.map((starts) => source(starts, size, state))));
        expect(found).toEqual(given.flat().sort((a, b) => a - b));
        expect(state.open).toBe(0);
      }),
    );
  });

  it('opens a source when its turn comes, and closes what was left when nobody reads on', async () => {
    const state = { open: 0, most: 0 };
    await all(merged([source([7, 8, 9], 2, state), source([1, 2, 3], 2, state), source([4, 5, 6], 2, state)]));
    expect(state.most).toBe(1);
    const reading = merged([
      source(
        Array.from({ length: 3000 }, (_, at) => at),
        100,
        state,
      ),
    ]);
    await reading.next();
    expect(state.open).toBe(1);
    await reading.return(undefined);
    expect(state.open).toBe(0);
  });

  it('opens a source early when its calls may start before its first record', async () => {
    const state = { open: 0, most: 0 };
    const found = await all(merged([source([1, 5, 9], 1, state), source([4, 6], 1, state, 2)]));
    expect(found).toEqual([1, 4, 5, 6, 9]);
  });
});
