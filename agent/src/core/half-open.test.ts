import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../test/config-of.ts';
import type { CircuitPermit } from './circuit-permit.ts';
import { beginHalfOpen, canProbe, evaluateProbes, isRampOver, rampAdmits, recordProbe } from './half-open.ts';
import type { Probing, Ramping } from './state.ts';

const RATES = { failureRate: { thresholdPercent: 50 }, minimumCalls: 2 };
const config = (halfOpen: object, trip: object = RATES) => configOf({ trip, recovery: { halfOpen } });
const noneOverdue = () => 0;

describe('probes', () => {
  const one = config({ maxProbes: 1 });
  const together = config({ maxProbes: 3, evaluate: 'FailureRate' });
  const begin = (of = one) => beginHalfOpen(of, 0) as Probing;

  it('begin while fewer than maxProbes are under way', () => {
    const state = begin();
    expect(canProbe(state, one)).toBe(true);
    state.probes.add({} as CircuitPermit);
    expect(canProbe(state, one)).toBe(false);
  });

  it('that ended take a place too where all are evaluated together', () => {
    expect(canProbe({ ...begin(together), calls: 3 }, together)).toBe(false);
    expect(canProbe({ ...begin(one), calls: 3 }, one)).toBe(true);
  });

  it.each([
    ['a failure', { failed: true, slow: false }, { to: 'open', reason: 'probe-failed' }],
    ['a slow success', { failed: false, slow: true }, { to: 'open', reason: 'probe-failed' }],
    ['a success', { failed: false, slow: false }, { to: 'closed', reason: 'probe-succeeded' }],
  ])('decide one by one: %s', (_what, outcome, decision) => {
    expect(recordProbe(begin(), one, outcome, 'probe-failed', noneOverdue)).toEqual(decision);
  });

  it('close the circuit once there are as many successes as successThreshold', () => {
    const two = config({ maxProbes: 2, successThreshold: 2 });
    const state = begin(two);
    const success = { failed: false, slow: false };
    expect(recordProbe(state, two, success, 'probe-failed', noneOverdue)).toBeUndefined();
    expect(recordProbe(state, two, success, 'probe-failed', noneOverdue)?.to).toBe('closed');
  });

  it('decide together by their rates, once there are enough', () => {
    const state = begin(together);
    expect(recordProbe(state, together, { failed: true, slow: false }, 'probe-failed', noneOverdue)).toBeUndefined();
    const decision = recordProbe(state, together, { failed: false, slow: false }, 'probe-failed', noneOverdue);
    expect(decision).toEqual({ to: 'open', reason: 'failure-rate' });
  });

  it('that are overdue count as slow ones', () => {
    const slow = { slowCallRate: { thresholdPercent: 50, slowerThan: '1s' }, minimumCalls: 2 };
    const both = config({ maxProbes: 4, evaluate: 'FailureRate' }, slow);
    const state = { ...begin(both), calls: 2 };
    expect(evaluateProbes(state, both, noneOverdue)?.to).toBe('closed');
    expect(evaluateProbes(state, both, () => 2)).toEqual({ to: 'open', reason: 'slow-call-rate' });
  });
});

describe('a ramp', () => {
  const ramp = config({ strategy: 'Ramp', rampDuration: '10s' });
  const environment = (random: number) => ({ clock: { now: () => 0 }, random: () => random, wallNow: () => 0 });
  const begin = () => beginHalfOpen(ramp, 0) as Ramping;

  it('begins with its first call, which passes', () => {
    const state = begin();
    expect(rampAdmits(state, ramp, 7_000, environment(0.99))).toBe(true);
    expect(state.startedAt).toBe(7_000);
  });

  it.each([
    [5_000, 0.41, true],
    [5_000, 0.42, false],
    [10_000, 0.99, true],
  ])('after %d ms a draw of %d: %s', (now, random, passes) => {
    expect(rampAdmits({ ...begin(), startedAt: 0 }, ramp, now, environment(random))).toBe(passes);
  });

  it('is over after its time and a success', () => {
    const state = { ...begin(), startedAt: 0 };
    expect(isRampOver({ ...state, succeeded: true }, ramp, 9_999)).toBe(false);
    expect(isRampOver(state, ramp, 10_000)).toBe(false);
    expect(isRampOver({ ...state, succeeded: true }, ramp, 10_000)).toBe(true);
  });
});
