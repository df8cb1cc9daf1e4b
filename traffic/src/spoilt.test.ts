import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readText } from '../test/read-text.ts';
import { SAMPLES } from '../test/samples.ts';
import { OUTCOMES } from './call.ts';
import { FORMAT_NAMES } from './formats/format.ts';
import type { FieldName } from './options.ts';
import { ReadError } from './read-error.ts';

const FIELDS: Partial<Record<FieldName, string>> = { time: 'when', duration: 'took', status: 'code' };
const pieces = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom(
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    '\n',
    '\\',
    '-',
    '1e999',
    'null',
    '[]',
    '{}',
    '\u0000',
    '<a>',
    '😀',
    '-1',
    '""',
  ),
);
const spoiling = fc.array(fc.record({ at: fc.nat(), cut: fc.nat({ max: 12 }), put: pieces }), {
  minLength: 1,
  maxLength: 4,
});

function spoilt(text: string, changes: readonly { at: number; cut: number; put: string }[]): string {
  return changes.reduce((all, { at, cut, put }) => {
    const place = at % (all.length + 1);
    return all.slice(0, place) + put + all.slice(place + cut);
  }, text);
}

describe('a spoilt recording', () => {
  it.each(FORMAT_NAMES)('in the format %s yields calls or a sentence, never a defect', async (format) => {
    const options = format === 'csv' || format === 'ndjson' ? { format, fields: FIELDS } : { format };
    await fc.assert(
      fc.asyncProperty(spoiling, async (changes) => {
        try {
          const { calls } = await readText(spoilt(SAMPLES[format], changes), options);
          for (const { start, durationMs, outcome, breaker } of calls) {
            expect(Number.isFinite(start)).toBe(true);
            expect(durationMs >= 0 || Number.isNaN(durationMs)).toBe(true);
            expect(OUTCOMES).toContain(outcome);
            expect(typeof breaker).toBe('string');
          }
        } catch (error) {
          if (!(error instanceof ReadError)) throw error;
          expect(error.message.length).toBeGreaterThan(20);
        }
      }),
      { numRuns: 60 },
    );
  });
});
