import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lines } from './lines.ts';

async function split(blocks: readonly Buffer[]): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of lines(
    (async function* () {
      yield* blocks;
    })(),
  )) {
    found.push(...batch);
  }
  return found;
}

describe('lines', () => {
  it('are the same wherever the blocks of a file are cut, also within a character', async () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => text !== '' && !/[\r\n]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), fc.boolean(), async (given, size, last) => {
        const bytes = Buffer.from(given.join('\n') + (last ? '\n' : ''), 'utf8');
        const blocks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) blocks.push(bytes.subarray(at, at + size));
        expect(await split(blocks)).toEqual(given);
      }),
    );
  });

  it('lose the return of other systems, and empty ones are left out', async () => {
    expect(await split([Buffer.from('a\r\n\r\n\nb\r\n')])).toEqual(['a', 'b']);
  });
});
