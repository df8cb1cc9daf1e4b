import { describe, expect, it } from '@jest/globals';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

/** The same inputs each time; `npm run fuzz` tries others, and many more. */
const SEED = 1;
const INPUTS = 200;

describe('what comes from outside', () => {
  it.each(TARGETS.map((target) => [target.name, target] as const))(
    'breaks nothing as %s, however it is spoilt',
    async (_name, target) => {
      const { findings, inputs, sound } = await fuzz(target, SEED, INPUTS);
      expect(findings.map(({ message, index }) => `${index}: ${message}`)).toEqual([]);
      expect(inputs).toBe(INPUTS);
      // Inputs that are all refused at once would show nothing.
      expect(sound).toBeGreaterThan(0);
      expect(sound).toBeLessThan(INPUTS);
    },
    120_000,
  );

  it('is the same again for the same seed, and tells of what breaks a property', async () => {
    const target = { ...TARGETS[0]!, run: (input: Buffer) => ({ sound: true, made: input.length > 500 ? 1e9 : 0 }) };
    const [one, again] = [await fuzz(target, 7, 50), await fuzz(target, 7, 50)];
    expect(one.findings.map(({ index, message }) => [index, message])).toEqual(
      again.findings.map(({ index, message }) => [index, message]),
    );
    expect(one.findings[0]?.message).toMatch(/^made 1000000000 bytes of \d+$/);
    const { index, input } = one.findings[0]!;
    expect((await fuzz(target, 7, 1, index)).findings[0]?.input).toEqual(input);
  });
});
