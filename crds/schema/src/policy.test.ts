import { describe, expect, it } from '@jest/globals';
import { DEFAULTS } from './defaults.ts';
import { parseDuration } from './duration.ts';
import { MAX_SPEC_BYTES, specProblems } from './policy.ts';
import { MAX_SPEC_LEVELS } from './rules.ts';

const valid = {
  selector: { matchLabels: { app: 'checkout' } },
  breakers: ['payments', 'partner-*'],
  mode: 'Enforce',
  trip: {
    window: { type: 'Time', duration: '10s' },
    minimumCalls: 20,
    failureRate: { thresholdPercent: 50 },
    slowCallRate: { thresholdPercent: 80, slowerThan: '2s' },
    failureCount: 20,
    consecutiveFailures: 5,
  },
  recovery: {
    openDuration: '30s',
    backoffFactor: 2,
    maxOpenDuration: '5m',
    jitterPercent: 10,
    honorRetryAfter: true,
    halfOpen: { strategy: 'Probes', maxProbes: 1, evaluate: 'AnyFailure', successThreshold: 1, probeTimeout: '30s' },
  },
  timeout: { duration: '2s' },
  classify: {
    failure: { errorNames: ['TypeError'], errorCodes: ['ECONNRESET'], httpStatus: ['5xx', '429'] },
    ignore: {},
  },
  onUpdate: 'Preserve',
};

describe('a spec', () => {
  it('with every field is valid', () => {
    expect(specProblems(valid)).toEqual([]);
  });

  it('needs nothing but the names of its breakers', () => {
    expect(specProblems({ breakers: ['*'] })).toEqual([]);
  });

  it.each([
    [{ ...valid, breakers: [] }, 'spec.breakers'],
    [{ ...valid, breakers: ['a*b'] }, 'spec.breakers[0]'],
    [{ ...valid, breakers: ['a', 'a'] }, 'spec.breakers'],
    [{ ...valid, mode: 'Maybe' }, 'spec.mode'],
    [{ ...valid, timeout: { duration: '25h' } }, 'spec.timeout.duration'],
    [{ ...valid, timeout: { duration: 'soon' } }, 'spec.timeout.duration'],
    [{ ...valid, classify: { failure: { httpStatus: ['6xx'] } } }, 'spec.classify.failure.httpStatus[0]'],
    [{ ...valid, retries: 3 }, 'spec.retries'],
    [{ ...valid, trip: { window: { type: 'Time', duration: '10s' } } }, 'spec.trip'],
    [{ ...valid, trip: { consecutiveFailures: 3, minimumCalls: 2 } }, 'spec.trip.minimumCalls'],
    [{ ...valid, trip: { consecutiveFailures: 3, window: { type: 'Count' } } }, 'spec.trip.window.size'],
    [{ ...valid, recovery: { backoffFactor: 1.5 } }, 'spec.recovery.backoffFactor'],
    [{ ...valid, recovery: { jitterPercent: 101 } }, 'spec.recovery.jitterPercent'],
    [{ ...valid, recovery: { honorRetryAfter: 'yes' } }, 'spec.recovery.honorRetryAfter'],
    [{ ...valid, trip: { slowCallRate: { thresholdPercent: 5 } } }, 'spec.trip.slowCallRate.slowerThan'],
    [null, 'spec'],
    ['text', 'spec'],
  ])('that is wrong names its field (%#)', (spec, field) => {
    const problems = specProblems(spec);
    expect(problems.map((problem) => problem.field)).toContain(field);
    expect(problems.every((problem) => problem.message.length > 10)).toBe(true);
  });

  const seconds = { recovery: { openDuration: 30 } };
  it.each<[object, string]>([
    [seconds, 'spec.recovery.openDuration: must be a duration with its unit, such as 30s, not 30'],
    [{ timeout: { duration: true } }, 'spec.timeout.duration: must be a duration with its unit, such as 30s, not true'],
    [
      { timeout: { duration: '30' } },
      'spec.timeout.duration: must be a duration such as 250ms, 30s or 1m30s, not "30"; did you mean 30s?',
    ],
    [
      { timeout: { duration: '1h 30' } },
      'spec.timeout.duration: must be a duration such as 250ms, 30s or 1m30s, not "1h 30"',
    ],
    [{ breakers: 'payments' }, 'spec.breakers: must be a list, not "payments"'],
    [{ breakers: undefined }, 'spec.breakers: is required; give a list'],
    [{ breakers: [] }, 'spec.breakers: must have at least 1 item, not 0'],
    [{ mode: 'enforce' }, 'spec.mode: must be one of Enforce, Shadow, Disabled, not "enforce"; did you mean Enforce?'],
    [{ mode: 'Perhaps' }, 'spec.mode: must be one of Enforce, Shadow, Disabled, not "Perhaps"'],
    [{ trip: { failureCount: '3' } }, 'spec.trip.failureCount: must be a number, not "3"'],
    [{ trip: { failureCount: 1.5 } }, 'spec.trip.failureCount: must be a whole number, not 1.5'],
    [{ trip: { failureCount: 0 } }, 'spec.trip.failureCount: must be at least 1, not 0'],
    [
      { trip: { failureRate: { thresholdPercent: 101 } } },
      'spec.trip.failureRate.thresholdPercent: must be at most 100, not 101',
    ],
    [{ trip: { failureRate: 50 } }, 'spec.trip.failureRate: must be a map of fields, not 50'],
    [{ recovery: { honorRetryAfter: 'yes' } }, 'spec.recovery.honorRetryAfter: must be true or false, not "yes"'],
    [{ recovery: { openduration: '30s' } }, 'spec.recovery.openduration: is not a field; did you mean "openDuration"?'],
    [{ retyr: {} }, 'spec.retyr: is not a field; did you mean "retry"?'],
    [
      { trip: { failureCount: 3, window: { type: 'Time', every: '1s' } } },
      'spec.trip.window.every: is not a field; the fields here are type, duration, size, halfLife',
    ],
  ])('that is wrong says what the field must be (%#)', (over, expected) => {
    const problems = specProblems({ breakers: ['a'], ...over });
    expect(problems.map(({ field, message }) => `${field}: ${message}`)).toEqual([expected]);
  });

  it('names each unknown field', () => {
    const fields = specProblems({ breakers: ['a'], foo: 1, bar: 2 }).map(({ field }) => field);
    expect(fields).toEqual(['spec.foo', 'spec.bar']);
  });

  it('that is too large for one event says how large it is', () => {
    const errorNames = Array.from({ length: 128 }, (_, i) => `${i}`.padEnd(256, 'x'));
    const spec = { ...valid, classify: { failure: { errorNames, errorCodes: errorNames }, ignore: { errorNames } } };
    expect(specProblems(spec)).toEqual([
      { field: 'spec', message: expect.stringContaining(`limit is ${MAX_SPEC_BYTES}`) },
    ]);
  });
});

describe('the defaults', () => {
  it('are themselves valid', () => {
    const { window, minimumCalls } = DEFAULTS.trip;
    const trip = { window, minimumCalls, failureRate: { thresholdPercent: 50 } };
    const { adaptive } = DEFAULTS.timeout;
    const timeout = { adaptive: { ...adaptive, max: '1s' } };
    const retry = { ...DEFAULTS.retry, maxAttempts: 3 };
    const concurrency = { ...DEFAULTS.concurrency, maxConcurrent: 20 };
    const { rampDuration, ...probes } = DEFAULTS.recovery.halfOpen;
    const recoveries = [probes, { strategy: 'Ramp', rampDuration }];
    for (const halfOpen of recoveries) {
      const recovery = { ...DEFAULTS.recovery, halfOpen };
      expect(specProblems({ breakers: ['x'], ...DEFAULTS, trip, timeout, retry, concurrency, recovery })).toEqual([]);
    }
    expect(parseDuration(DEFAULTS.recovery.openDuration)).toBe(30_000);
  });
});

it('refuses a spec that nests deeper than anybody can write it as JSON', () => {
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  const spec = (levels: number) => ({
    breakers: ['a'],
    fallback: { type: 'Static', static: { value: nested(levels) } },
  });
  expect(specProblems(spec(MAX_SPEC_LEVELS - 3))).toEqual([]);
  const refused = [{ field: 'spec', message: 'nests more than 50 levels deep' }];
  expect(specProblems(spec(MAX_SPEC_LEVELS - 2))).toEqual(refused);
  expect(specProblems(spec(60_000))).toEqual(refused);
});
