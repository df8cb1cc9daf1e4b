import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { put } from '../../../test/put.ts';
import { EwmaWindow } from './ewma-window.ts';

const HALF_LIFE = 1_000;
const step = fc.record({ pause: fc.integer({ min: 0, max: 3_000 }), failed: fc.boolean(), slow: fc.boolean() });

describe('an Ewma window', () => {
  it('holds the sum of all calls, each halved for every half-life in whole tenths', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 60, size: 'max' }), (start, steps) => {
        let now = start;
        const window = new EwmaWindow(HALF_LIFE, now);
        const log: { tenth: number; failed: boolean; slow: boolean }[] = [];
        for (const { pause, failed, slow } of steps) {
          now += pause;
          put(window, now, failed, slow);
          const tenth = Math.floor(now / (HALF_LIFE / 10));
          log.push({ tenth, failed, slow });
          const weighed = (of: typeof log) => of.reduce((sum, call) => sum + 0.5 ** ((tenth - call.tenth) / 10), 0);
          expect(window.calls).toBeCloseTo(weighed(log), 9);
          expect(window.failures).toBeCloseTo(weighed(log.filter(({ failed }) => failed)), 9);
          expect(window.slow).toBeCloseTo(weighed(log.filter(({ slow }) => slow)), 9);
        }
      }),
    );
  });

  it('counts a call half after a half-life, and nothing after a thousand', () => {
    const window = new EwmaWindow(HALF_LIFE, 0);
    window.record(0, true, false);
    window.advance(1_000);
    expect(window.failures).toBeCloseTo(0.5, 12);
    window.advance(2_000_000);
    expect(window.calls).toBe(0);
  });

  it('keeps what calls count when the half-life changes, and fades as the new one says from then on', () => {
    const window = new EwmaWindow(1_000, 0);
    window.record(0, true, true);
    window.resize(4_000, 1_000);
    expect(window.calls).toBeCloseTo(0.5, 12);
    window.advance(5_000);
    expect(window.slow).toBeCloseTo(0.25, 12);
  });

  it('forgets everything when cleared', () => {
    const window = new EwmaWindow(1_000, 0);
    window.record(0, true, true);
    window.clear();
    expect([window.calls, window.failures, window.slow]).toEqual([0, 0, 0]);
  });

  it('says until when it drops nothing', () => {
    const window = new EwmaWindow(1_000, 250);
    expect(window.steadyUntil).toBe(300);
    window.record(250, true, false);
    window.advance(299.9);
    expect(window.calls).toBe(1);
    window.advance(300);
    expect(window.calls).toBeLessThan(1);
    expect(window.steadyUntil).toBe(400);
  });
});
