import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InFlight } from './in-flight.ts';

const SLOW = 100;
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(30), fc.nat(1_500)) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), call: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), ago: fc.nat(300) }) },
);

describe('the calls under way', () => {
  it('are overdue from when they are slow, a tenth later at most, until ten times that', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 100, size: 'max' }), (start, steps) => {
        let now = start;
        let floor = Number.NEGATIVE_INFINITY;
        const inFlight = new InFlight(SLOW, now);
        const calls: number[] = [];
        for (const each of steps) {
          if (each.kind === 'pass') now += each.ms;
          else if (each.kind === 'begin') {
            inFlight.begin(now);
            calls.push(now);
          } else if (each.kind === 'end' && calls.length > 0) {
            const [at] = calls.splice(each.call % calls.length, 1);
            inFlight.end(at!);
          } else if (each.kind === 'forget') {
            const until = now - each.ago;
            inFlight.forget(until);
            floor = Math.max(floor, (Math.floor(until / (SLOW / 10)) + 1) * (SLOW / 10));
          }
          inFlight.advance(now);
          const aged = (least: number, most: number) =>
            calls.filter((at) => at >= floor && now - at >= least && now - at < most).length;
          expect(inFlight.overdue).toBeGreaterThanOrEqual(aged(1.1 * SLOW, 9.9 * SLOW));
          expect(inFlight.overdue).toBeLessThanOrEqual(aged(SLOW + 1e-9, 10 * SLOW));
        }
      }),
      { numRuns: 500 },
    );
  });
});
