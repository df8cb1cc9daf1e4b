import { describe, expect, it } from '@jest/globals';
import { parsePolicyFile } from './file.ts';
import { MAX_DOCUMENTS, unfoldsWithin, yamlBoundProblem } from './yaml-bounds.ts';

const policy = (spec: string) =>
  `apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: {name: p}\nspec:\n${spec}\n`;

const TEXTS: [string, string, RegExp][] = [
  ['8 MB of [', '['.repeat(8e6), /nests deeper than 64/],
  ['a flow of 5,000 levels', policy(`  x: ${'['.repeat(5e3)}${']'.repeat(5e3)}`), /nests deeper than 64/],
  ['JSON of 200,000 levels', `${'{"a":'.repeat(2e5)}1${'}'.repeat(2e5)}`, /nests deeper than 64/],
  ['a sequence in a sequence on one line', `${'- '.repeat(5e3)}x`, /nests deeper than 64/],
  ['keys in keys on one line', `${'? '.repeat(5e3)}x`, /nests deeper than 64/],
  [
    'a block of 3,000 levels',
    Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    /indented by more than 256 columns/,
  ],
  ['300,000 documents', '---\na: 1\n'.repeat(3e5), /more than 10000 documents/],
  ['aliases to nothing', '- *x\n'.repeat(1.4e6), /more than 1000 anchors/],
  ['values without end', 'a: 1\n'.repeat(1e6), /more than 1000000 tokens/],
  ['zeros', '\0'.repeat(8e6), /line 1|holds a NUL character/],
  [
    'an anchor of 1 MB that is repeated',
    policy(`  a: &a "${'y'.repeat(1e6)}"\n${Array.from({ length: 90 }, (_, i) => `  b${i}: *a`).join('\n')}`),
    /unfolds to more than 1048576/,
  ],
  ['an anchor that holds itself', policy('  x: &a\n    y: *a'), /unfolds|alias|circular/i],
];

describe('a text beyond the bounds', () => {
  it.each(TEXTS)('is a problem and no policy: %s', (_name, text, message) => {
    const { policies, problems } = parsePolicyFile(text);
    expect(policies).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toMatch(message);
  });

  it('is reported with the line that exceeds the limit', () => {
    expect(yamlBoundProblem(`a: 1\nb: ${'['.repeat(65)}`)).toMatchObject({ line: 2 });
    expect(yamlBoundProblem(`a: 1\n\nb: "\0"`)).toMatchObject({ line: 3 });
  });

  it('of errors alone names the first twenty', () => {
    const { problems } = parsePolicyFile('--- {a: "x" "y"}\n'.repeat(500));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(20);
  });
});

describe('a text within the bounds', () => {
  it('is read with as many documents as a file may have', () => {
    const documents = Array.from({ length: MAX_DOCUMENTS }, () => '---\n').join('');
    expect(yamlBoundProblem(documents)).toBeUndefined();
  });

  it('is read where lists of lists close again', () => {
    expect(yamlBoundProblem('a: [[1], [2], {b: [3]}]\n'.repeat(1_000))).toBeUndefined();
  });

  it('unfolds to what it holds', () => {
    expect(unfoldsWithin({ a: 'x'.repeat(100) }, 133)).toBe(true);
    expect(unfoldsWithin({ a: 'x'.repeat(100) }, 132)).toBe(false);
  });
});
