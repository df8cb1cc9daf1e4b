import { specProblems } from '@fuseboard/schema';
import { TRIP_CONDITIONS } from '@fuseboard/schema/trip-conditions';
import { describe, expect, it } from '@jest/globals';
import { compile } from './config.ts';

const compiled = (spec: unknown) => {
  const result = compile(spec);
  if (!result.ok) throw new Error(`${result.field} ${result.message}`);
  return result.config;
};
const none = { names: [], codes: [], statuses: [], statusClasses: 0 };

/** The thresholds of what no condition measures. */
const NONE = {
  consecutiveFailures: Number.POSITIVE_INFINITY,
  failures: Number.POSITIVE_INFINITY,
  slow: Number.POSITIVE_INFINITY,
};

const nothingElse = { perKey: { maxKeys: 1_000, idleMs: 600_000 } };

describe('a spec', () => {
  it('that says nothing means the defaults', () => {
    expect(compiled({})).toEqual({
      mode: 'Enforce',
      resetOnUpdate: false,
      windowType: 'Time',
      windowMs: 10_000,
      windowSize: 0,
      minimumCalls: 20,
      trip: { conditions: [], numbers: NONE, percentages: NONE },
      slowMs: 0,
      openMs: 30_000,
      backoffFactor: 1,
      maxOpenMs: 86_400_000,
      jitterPercent: 0,
      honorRetryAfter: false,
      strategy: 'Probes',
      evaluate: 'AnyFailure',
      rampMs: 10_000,
      maxProbes: 1,
      successThreshold: 1,
      probeTimeoutMs: 30_000,
      timeoutMs: 0,
      call: nothingElse,
      classification: { failure: { ...none, statusClasses: 1 << 5 }, ignore: none },
    });
  });

  it('that says everything means all of it', () => {
    const spec = {
      selector: {
        matchLabels: { app: 'checkout' },
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['web'] },
          { key: 'canary', operator: 'DoesNotExist' },
        ],
      },
      breakers: ['payments', 'partner-*'],
      mode: 'Shadow',
      trip: {
        window: { type: 'Count', size: 10 },
        minimumCalls: 50,
        failureRate: { thresholdPercent: 60 },
        slowCallRate: { thresholdPercent: 80, slowerThan: '2s' },
        failureCount: 7,
        consecutiveFailures: 5,
      },
      recovery: {
        openDuration: '1m30s',
        backoffFactor: 2,
        maxOpenDuration: '10m',
        jitterPercent: 10,
        honorRetryAfter: true,
        halfOpen: {
          strategy: 'Probes',
          maxProbes: 2,
          evaluate: 'AnyFailure',
          successThreshold: 3,
          probeTimeout: '250ms',
        },
      },
      timeout: { duration: '2s' },
      classify: {
        failure: { errorNames: ['A'], errorCodes: ['B'], httpStatus: ['429', '5xx', '1xx'] },
        ignore: { errorNames: ['C'], errorCodes: ['D'], httpStatus: ['404'] },
      },
      onUpdate: 'Reset',
    };
    expect(specProblems(spec)).toEqual([]);
    expect(compiled(spec)).toEqual({
      mode: 'Shadow',
      resetOnUpdate: true,
      windowType: 'Count',
      windowMs: 0,
      windowSize: 10,
      minimumCalls: 10,
      trip: {
        conditions: [5, 7, 60, 80].map((threshold, i) => ({ condition: TRIP_CONDITIONS[i], threshold })),
        numbers: { ...NONE, consecutiveFailures: 5, failures: 7 },
        percentages: { ...NONE, failures: 60, slow: 80 },
      },
      slowMs: 2_000,
      openMs: 90_000,
      backoffFactor: 2,
      maxOpenMs: 600_000,
      jitterPercent: 10,
      honorRetryAfter: true,
      strategy: 'Probes',
      evaluate: 'AnyFailure',
      rampMs: 10_000,
      maxProbes: 2,
      successThreshold: 3,
      probeTimeoutMs: 250,
      timeoutMs: 2_000,
      call: nothingElse,
      classification: {
        failure: { names: ['A'], codes: ['B'], statuses: [429], statusClasses: (1 << 5) | (1 << 1) },
        ignore: { names: ['C'], codes: ['D'], statuses: [404], statusClasses: 0 },
      },
    });
  });

  it('is neither changed nor kept', () => {
    const spec = { classify: { failure: { errorNames: ['A'] } } };
    const before = JSON.stringify(spec);
    const { classification } = compiled(spec);
    expect(JSON.stringify(spec)).toBe(before);
    spec.classify.failure.errorNames.push('B');
    expect(classification.failure.names).toEqual(['A']);
  });

  it('may have fields that are not known', () => {
    expect(compiled({ futureField: { a: 1 }, trip: { futureRate: {}, failureCount: 3 } }).trip.numbers.failures).toBe(
      3,
    );
  });

  it('may leave a field undefined', () => {
    expect(compiled({ mode: undefined, trip: undefined, classify: { failure: undefined } })).toEqual(compiled({}));
  });

  it('of a resource reads the same with mode and onUpdate written out', () => {
    expect(compiled({ mode: 'Enforce', onUpdate: 'Preserve' })).toEqual(compiled({}));
  });
});

const trip = (fields: object) => ({ trip: { failureCount: 1, ...fields } });
const many = (count: number) => Array.from({ length: count }, (_, i) => `name${i}`);

/** Spec, field and a part of the message; the schema must refuse each of them for the same field. */
const refused: [field: string, spec: object, message: string][] = [
  ['spec.mode', { mode: 'enforce' }, 'one of Enforce, Shadow, Disabled; it is "enforce"'],
  ['spec.onUpdate', { onUpdate: 'Never' }, 'one of Preserve, Reset'],
  ['spec.breakers', { breakers: [] }, 'at least one'],
  ['spec.breakers', { breakers: ['a', 'a'] }, 'twice'],
  ['spec.breakers', { breakers: 'a' }, 'a list of at most 64'],
  ['spec.breakers', { breakers: many(65) }, 'it is a list of 65'],
  ['spec.breakers[1]', { breakers: ['a', 'b c'] }, 'a prefix followed by *'],
  ['spec.breakers[0]', { breakers: [7] }, 'it is 7'],
  ['spec.selector', { selector: [] }, 'an object; it is a list of 0'],
  ['spec.selector.matchLabels', { selector: { matchLabels: 'a=b' } }, 'an object'],
  ['spec.selector.matchLabels.app', { selector: { matchLabels: { app: 'a b' } } }, 'a label value'],
  ['spec.selector.matchLabels', { selector: { matchLabels: { 'a b': 'c' } } }, 'label key'],
  ['spec.selector.matchExpressions', { selector: { matchExpressions: {} } }, 'a list of at most 16 objects'],
  ['spec.selector.matchExpressions[0]', { selector: { matchExpressions: [null] } }, 'an object; it is null'],
  ['spec.selector.matchExpressions[0].key', { selector: { matchExpressions: [{ operator: 'Exists' }] } }, 'required'],
  ['spec.selector.matchExpressions[0].key', { selector: { matchExpressions: [{ key: '-', operator: 'Exists' }] } }, ''],
  ['spec.selector.matchExpressions[0].operator', { selector: { matchExpressions: [{ key: 'a' }] } }, 'required'],
  [
    'spec.selector.matchExpressions[0].operator',
    { selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } },
    '',
  ],
  ['spec.selector.matchExpressions[0].values', { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }, ''],
  ['spec.trip', { trip: {} }, 'at least one condition'],
  ['spec.trip', { trip: 5 }, 'an object; it is 5'],
  ['spec.trip', { trip: null }, 'an object; it is null'],
  ['spec.trip.window', trip({ window: '10s' }), 'an object; it is "10s"'],
  ['spec.trip.window.type', trip({ window: {} }), 'required'],
  ['spec.trip.window.type', trip({ window: { type: 'Sum' } }), 'one of Time, Count, Ewma; it is "Sum"'],
  ['spec.trip.window.halfLife', trip({ window: { type: 'Ewma' } }), 'required with type Ewma'],
  ['spec.trip.window.halfLife', trip({ window: { type: 'Ewma', halfLife: 5 } }), 'it is 5'],
  ['spec.trip.window.halfLife', trip({ window: { type: 'Time', duration: '1s', halfLife: '1s' } }), 'not allowed'],
  ['spec.trip.slowCallRate', trip({ slowCallRate: '2s' }), 'an object'],
  ['spec.trip.slowCallRate.slowerThan', trip({ slowCallRate: { thresholdPercent: 5 } }), 'required'],
  ['spec.trip.slowCallRate.thresholdPercent', trip({ slowCallRate: { slowerThan: '2s' } }), 'required'],
  ['spec.trip.window.duration', trip({ window: { type: 'Time' } }), 'required with type Time'],
  ['spec.trip.window.duration', trip({ window: { type: 'Time', duration: '10 s' } }), 'it is "10 s"'],
  ['spec.trip.window.duration', trip({ window: { type: 'Time', duration: 10 } }), 'it is 10'],
  ['spec.trip.window.duration', trip({ window: { type: 'Time', duration: '25h' } }), ''],
  ['spec.trip.window.duration', trip({ window: { type: 'Time', duration: '0s' } }), ''],
  ['spec.trip.window.duration', trip({ window: { type: 'Count', size: 5, duration: '1s' } }), 'not allowed'],
  ['spec.trip.window.size', trip({ window: { type: 'Count' } }), 'required with type Count'],
  ['spec.trip.window.size', trip({ window: { type: 'Count', size: 100_001 } }), 'from 1 to 100000'],
  ['spec.trip.window.size', trip({ window: { type: 'Count', size: 1.5 } }), 'a whole number'],
  ['spec.trip.window.size', trip({ window: { type: 'Time', duration: '1s', size: 5 } }), 'not allowed'],
  ['spec.trip.minimumCalls', trip({ minimumCalls: 5 }), 'rates only'],
  ['spec.trip.minimumCalls', trip({ minimumCalls: 0 }), 'from 1 to 1000000; it is 0'],
  ['spec.trip.failureRate', trip({ failureRate: 50 }), 'an object'],
  ['spec.trip.failureRate.thresholdPercent', trip({ failureRate: {} }), 'required'],
  ['spec.trip.failureRate.thresholdPercent', trip({ failureRate: { thresholdPercent: 101 } }), 'from 1 to 100'],
  ['spec.trip.failureCount', { trip: { failureCount: '3' } }, 'it is "3"'],
  ['spec.trip.failureCount', { trip: { failureCount: 6, window: { type: 'Count', size: 5 } } }, 'never be reached'],
  ['spec.trip.consecutiveFailures', trip({ consecutiveFailures: -1 }), 'from 1 to 1000000'],
  ['spec.recovery', { recovery: [] }, 'an object'],
  ['spec.recovery.openDuration', { recovery: { openDuration: 'soon' } }, 'a duration such as'],
  ['spec.recovery.backoffFactor', { recovery: { backoffFactor: 1.5 } }, 'a whole number from 1 to 10; it is 1.5'],
  ['spec.recovery.maxOpenDuration', { recovery: { maxOpenDuration: '1s' } }, 'not be shorter'],
  ['spec.recovery.jitterPercent', { recovery: { jitterPercent: -1 } }, 'from 0 to 100'],
  ['spec.recovery.honorRetryAfter', { recovery: { honorRetryAfter: 1 } }, 'true or false; it is 1'],
  ['spec.recovery.halfOpen.strategy', { recovery: { halfOpen: { strategy: 'Ramp', maxProbes: 1 } } }, 'not allowed'],
  ['spec.recovery.halfOpen.rampDuration', { recovery: { halfOpen: { rampDuration: '1s' } } }, 'not allowed'],
  ['spec.recovery.halfOpen.evaluate', { recovery: { halfOpen: { evaluate: 'FailureRate' } } }, 'needs a rate'],
  ['spec.recovery.halfOpen', { recovery: { halfOpen: true } }, 'an object; it is true'],
  ['spec.recovery.halfOpen.strategy', { recovery: { halfOpen: { strategy: 'All' } } }, 'one of Probes, Ramp'],
  ['spec.recovery.halfOpen.maxProbes', { recovery: { halfOpen: { maxProbes: 1_001 } } }, 'from 1 to 1000'],
  ['spec.recovery.halfOpen.successThreshold', { recovery: { halfOpen: { successThreshold: 0 } } }, 'from 1 to 1000'],
  ['spec.recovery.halfOpen.probeTimeout', { recovery: { halfOpen: { probeTimeout: {} } } }, 'it is an object'],
  ['spec.timeout', { timeout: '2s' }, 'an object'],
  ['spec.timeout.duration', { timeout: {} }, 'needs a duration, or adaptive'],
  ['spec.timeout.duration', { timeout: { duration: '-1s' } }, 'a duration'],
  ['spec.classify', { classify: 5 }, 'an object'],
  ['spec.classify.failure.errorNames', { classify: { failure: { errorNames: 'A' } } }, 'a list of at most 128'],
  ['spec.classify.failure.errorNames[0]', { classify: { failure: { errorNames: [''] } } }, '1 to 256 characters'],
  ['spec.classify.ignore.errorCodes[1]', { classify: { ignore: { errorCodes: ['A', 5] } } }, 'it is 5'],
  ['spec.classify.ignore.httpStatus[0]', { classify: { ignore: { httpStatus: ['6xx'] } } }, 'it is "6xx"'],
  ['spec.classify.failure.httpStatus[0]', { classify: { failure: { httpStatus: [503] } } }, 'a class such as "5xx"'],
];

describe('a spec is refused', () => {
  it.each(refused)('for %s: %j', (field, spec, message) => {
    const result = compile(spec);
    expect(result).toEqual({ ok: false, field, message: expect.stringContaining(message) });
    expect(specProblems({ breakers: ['a'], ...spec }).map((problem) => problem.field)).toContain(field);
  });

  it.each([null, undefined, 5, 'text', [], true])('when it is %j', (spec) => {
    expect(compile(spec)).toEqual({ ok: false, field: 'spec', message: expect.stringContaining('must be an object') });
  });

  it('with a message of bounded length', () => {
    const result = compile({ mode: 'x'.repeat(10_000) });
    expect(result.ok || result.message.length).toBeLessThan(200);
  });
});
