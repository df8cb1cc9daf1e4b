import { specProblems } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { compile } from './config.ts';

const perKey = { maxKeys: 1_000, idleMs: 600_000 };
const call = (spec: object) => {
  expect(specProblems({ breakers: ['a'], ...spec })).toEqual([]);
  const compiled = compile(spec);
  if (!compiled.ok) throw new Error(`${compiled.field} ${compiled.message}`);
  return compiled.config.call;
};

describe('what happens around a call', () => {
  it('is nothing where the spec says nothing', () => {
    expect(call({})).toEqual({ perKey });
    expect(call({ fallback: { type: 'None' } })).toEqual({ perKey });
  });

  it('has defaults for all that a part leaves out', () => {
    const spec = {
      timeout: { adaptive: { max: '5s' } },
      retry: { maxAttempts: 3 },
      concurrency: { maxConcurrent: 7 },
      fallback: { type: 'LastSuccess' },
      perKey: {},
    };
    expect(call(spec)).toEqual({
      adaptive: { percentile: 95, headroomPercent: 20, minimumSamples: 10, minMs: 10, maxMs: 5_000 },
      retry: {
        maxAttempts: 3,
        initialMs: 100,
        factor: 2,
        maxMs: 10_000,
        jitterPercent: 25,
        budgetPercent: 20,
        minPerSecond: 1,
        insideBreaker: false,
      },
      concurrency: { maxConcurrent: 7, maxQueue: 0, queueTimeoutMs: 1_000 },
      fallback: { type: 'LastSuccess', maxAgeMs: 0 },
      perKey,
    });
  });

  it('is all that is said', () => {
    const spec = {
      timeout: {
        duration: '1s',
        adaptive: { percentile: 50, headroomPercent: 0, minimumSamples: 1, min: '2ms', max: '4s' },
      },
      retry: {
        maxAttempts: 10,
        backoff: { initial: '1s', factor: 1, max: '1s', jitterPercent: 0 },
        budgetPercent: 1,
        minPerSecond: 0,
        placement: 'InsideBreaker',
      },
      concurrency: { maxConcurrent: 9, adaptive: { minConcurrent: 2, initial: 3 }, maxQueue: 5, queueTimeout: '2s' },
      fallback: { type: 'Static', static: { value: { a: [null, 1] } } },
      perKey: { maxKeys: 2, idleTimeout: '1m' },
    };
    expect(call(spec)).toEqual({
      adaptive: { percentile: 50, headroomPercent: 0, minimumSamples: 1, minMs: 2, maxMs: 4_000 },
      retry: {
        maxAttempts: 10,
        initialMs: 1_000,
        factor: 1,
        maxMs: 1_000,
        jitterPercent: 0,
        budgetPercent: 1,
        minPerSecond: 0,
        insideBreaker: true,
      },
      concurrency: {
        maxConcurrent: 9,
        adaptive: { minConcurrent: 2, initial: 3, maxConcurrent: 9 },
        maxQueue: 5,
        queueTimeoutMs: 2_000,
      },
      fallback: { type: 'Static', json: '{"a":[null,1]}' },
      perKey: { maxKeys: 2, idleMs: 60_000 },
    });
  });

  it('lets one bound that is given win over the default of the other', () => {
    expect(call({ retry: { maxAttempts: 2, backoff: { max: '20ms' } } }).retry).toMatchObject({
      initialMs: 20,
      maxMs: 20,
    });
    expect(call({ retry: { maxAttempts: 2, backoff: { initial: '1m' } } }).retry).toMatchObject({
      initialMs: 60_000,
      maxMs: 60_000,
    });
    expect(call({ timeout: { adaptive: { max: '3ms' } } }).adaptive).toMatchObject({ minMs: 3, maxMs: 3 });
  });

  it('begins an adaptive limit at 20, or at the nearest of its bounds', () => {
    const initial = (concurrency: object) => call({ concurrency: concurrency as never }).concurrency?.adaptive?.initial;
    expect(initial({ maxConcurrent: 100, adaptive: {} })).toBe(20);
    expect(initial({ maxConcurrent: 7, adaptive: {} })).toBe(7);
    expect(initial({ maxConcurrent: 100, adaptive: { minConcurrent: 30 } })).toBe(30);
  });

  it('keeps any JSON as the static value, null too', () => {
    expect(call({ fallback: { type: 'Static', static: { value: null } } }).fallback).toEqual({
      type: 'Static',
      json: 'null',
    });
  });

  it('refuses a static value in code that is no JSON', () => {
    for (const value of [1n, () => 1]) {
      expect(compile({ fallback: { type: 'Static', static: { value } } })).toMatchObject({
        ok: false,
        field: 'spec.fallback.static.value',
      });
    }
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(compile({ fallback: { type: 'Static', static: { value: loop } } })).toMatchObject({
      ok: false,
      field: 'spec',
    });
  });
});

const refused: [field: string, spec: object, message: string][] = [
  ['spec.timeout.adaptive', { timeout: { adaptive: 5 } }, 'an object'],
  ['spec.timeout.adaptive.max', { timeout: { adaptive: {} } }, 'required'],
  ['spec.timeout.adaptive.percentile', { timeout: { adaptive: { max: '1s', percentile: 100 } } }, 'from 1 to 99'],
  ['spec.timeout.adaptive.headroomPercent', { timeout: { adaptive: { max: '1s', headroomPercent: -1 } } }, 'from 0'],
  ['spec.timeout.adaptive.minimumSamples', { timeout: { adaptive: { max: '1s', minimumSamples: 0 } } }, 'from 1'],
  ['spec.timeout.adaptive.min', { timeout: { adaptive: { min: '2s', max: '1s' } } }, 'more than max'],
  ['spec.retry', { retry: [] }, 'an object'],
  ['spec.retry.maxAttempts', { retry: {} }, 'required'],
  ['spec.retry.maxAttempts', { retry: { maxAttempts: 11 } }, 'from 1 to 10'],
  ['spec.retry.backoff.factor', { retry: { maxAttempts: 2, backoff: { factor: 1.5 } } }, 'a whole number'],
  ['spec.retry.backoff.initial', { retry: { maxAttempts: 2, backoff: { initial: '2s', max: '1s' } } }, 'more than max'],
  ['spec.retry.backoff.jitterPercent', { retry: { maxAttempts: 2, backoff: { jitterPercent: 101 } } }, 'to 100'],
  ['spec.retry.budgetPercent', { retry: { maxAttempts: 2, budgetPercent: 0 } }, 'from 1 to 100'],
  ['spec.retry.minPerSecond', { retry: { maxAttempts: 2, minPerSecond: -1 } }, 'from 0 to 1000'],
  ['spec.retry.placement', { retry: { maxAttempts: 2, placement: 'Inside' } }, 'one of OutsideBreaker'],
  ['spec.concurrency.maxConcurrent', { concurrency: {} }, 'required'],
  ['spec.concurrency.adaptive.initial', { concurrency: { maxConcurrent: 1, adaptive: { initial: 0 } } }, 'from 1'],
  ['spec.concurrency.adaptive', { concurrency: { maxConcurrent: 1, adaptive: { initial: 2 } } }, 'maxConcurrent'],
  ['spec.concurrency.maxQueue', { concurrency: { maxConcurrent: 1, maxQueue: -1 } }, 'from 0'],
  ['spec.concurrency.queueTimeout', { concurrency: { maxConcurrent: 1, queueTimeout: 5 } }, 'a duration'],
  ['spec.fallback.type', { fallback: {} }, 'required'],
  ['spec.fallback.type', { fallback: { type: 'Cache' } }, 'one of None, Static, LastSuccess'],
  ['spec.fallback.static', { fallback: { type: 'Static' } }, 'required with type Static'],
  ['spec.fallback.static.value', { fallback: { type: 'Static', static: {} } }, 'required'],
  ['spec.fallback.maxAge', { fallback: { type: 'None', maxAge: '1s' } }, 'LastSuccess only'],
  ['spec.perKey.maxKeys', { perKey: { maxKeys: 10_001 } }, 'from 1 to 10000'],
  ['spec.perKey.idleTimeout', { perKey: { idleTimeout: '0s' } }, 'a duration'],
];

describe('a spec is refused', () => {
  it.each(refused)('for %s: %j', (field, spec, message) => {
    expect(compile(spec)).toEqual({ ok: false, field, message: expect.stringContaining(message) });
    expect(specProblems({ breakers: ['a'], ...spec }).map((problem) => problem.field)).toContain(field);
  });
});
