import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { PolicySpecFields } from './policy.ts';
import { fieldsInWords, hasRate, holds, TRIP_CONDITIONS, thresholdOf } from './trip-conditions.ts';

describe('the conditions of trip', () => {
  it('are all its fields but those that say which calls are looked at', () => {
    const fields = Object.keys(PolicySpecFields.shape.trip.unwrap().shape);
    expect(TRIP_CONDITIONS.map(({ field }) => field).sort()).toEqual(
      fields.filter((field) => field !== 'window' && field !== 'minimumCalls').sort(),
    );
  });

  it('have numbers first, because rates are evaluated after them', () => {
    const rates = TRIP_CONDITIONS.map(({ isRate }) => isRate);
    expect(rates).toEqual([...rates].sort((a, b) => Number(a) - Number(b)));
  });

  it('have reasons that the agent for Python and the protocol have too', () => {
    const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
    const [, ofPython] = /^Reason = Literal\[([^\]]+)\]/m.exec(read('agent-python/src/fuseboard/core/state.py'))!;
    const reasons = TRIP_CONDITIONS.map(({ reason }) => reason);
    expect(ofPython!.match(/(?<=")[a-z-]+(?=")/g)).toEqual(expect.arrayContaining(reasons));
    const inOrder = reasons.map((reason) => `\`${reason}\``).join(', ');
    expect(read('docs/protocol.md')).toContain(`When several conditions hold, the first of ${inOrder} is named.`);
  });

  it('are those of the table of the agent for Python', () => {
    const path = '../../../agent-python/src/fuseboard/core/config/trip_conditions.py';
    const source = readFileSync(new URL(path, import.meta.url), 'utf8');
    const rows = source.matchAll(/^ {4}TripCondition\("(\w+)", "([\w-]+)", "(\w+)", is_rate=(\w+)\),$/gm);
    const table = [...rows].map(([, field, reason, measures, isRate]) => ({
      field,
      reason,
      measures,
      isRate: isRate === 'True',
    }));
    expect(table).toEqual(TRIP_CONDITIONS);
  });

  it('have thresholds of their own, read from a policy', () => {
    const trip = { failureRate: { thresholdPercent: 50 }, consecutiveFailures: 5 };
    expect(TRIP_CONDITIONS.map(({ field }) => [field, thresholdOf(trip, field)])).toEqual([
      ['consecutiveFailures', 5],
      ['failureCount', undefined],
      ['failureRate', 50],
      ['slowCallRate', undefined],
    ]);
  });

  it('need minimumCalls where one is a rate', () => {
    expect(hasRate({ failureCount: 3, consecutiveFailures: 5 })).toBe(false);
    expect(hasRate({ failureCount: 3, slowCallRate: { thresholdPercent: 1 } })).toBe(true);
  });

  it.each([
    ['a number is reached', 'failureCount', 3, 3, 100, true],
    ['a number is not reached', 'failureCount', 3, 2, 2, false],
    ['a number that faded lost its last digit', 'failureCount', 3, 3 - 1e-9, 100, true],
    ['a rate is reached', 'failureRate', 50, 2, 4, true],
    ['a rate is not reached', 'failureRate', 50, 2, 5, false],
    ['a rate that faded lost its last digit', 'failureRate', 50, 2 - 1e-9, 4, true],
  ] as const)('hold or not where %s', (_what, field, threshold, measured, calls, expected) => {
    const condition = TRIP_CONDITIONS.find((each) => each.field === field)!;
    expect(holds(condition, threshold, measured, calls)).toBe(expected);
  });

  it('are listed in sentences', () => {
    expect(fieldsInWords()).toBe('consecutiveFailures, failureCount, failureRate or slowCallRate');
    expect(fieldsInWords(TRIP_CONDITIONS.filter(({ isRate }) => isRate))).toBe('failureRate or slowCallRate');
  });
});
