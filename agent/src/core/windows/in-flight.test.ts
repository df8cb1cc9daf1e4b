import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { propertyRuns } from '../../../test/property-runs.ts';
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
        let forgottenTo = Number.NEGATIVE_INFINITY;
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
            forgottenTo = Math.max(forgottenTo, (Math.floor(until / (SLOW / 10)) + 1) * (SLOW / 10));
          }
          inFlight.advance(now);
          const aged = (least: number, most: number) =>
            calls.filter((at) => at >= forgottenTo && now - at >= least && now - at < most).length;
          expect(inFlight.overdue).toBeGreaterThanOrEqual(aged(1.1 * SLOW, 9.9 * SLOW));
          expect(inFlight.overdue).toBeLessThanOrEqual(aged(SLOW + 1e-9, 10 * SLOW));
        }
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it('belong to the tenth that they began in, however its borders are rounded', () => {
    const move = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), call: fc.nat(100) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('border' as const), tenths: fc.integer({ min: 1, max: 12 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('border' as const), tenths: fc.integer({ min: 85, max: 120 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('pass' as const), share: fc.double({ min: 0, max: 3, noNaN: true }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), tenths: fc.nat(110) }) },
    );
    const slow = fc.constantFrom(1, 3, 7, 100, 700, 1_100, 1_000);
    fc.assert(
      fc.property(slow, fc.nat(100_000), fc.array(move, { maxLength: 60, size: 'max' }), (slowMs, begun, moves) => {
        const tenth = slowMs / 10;
        const tenthOf = (at: number) => {
          for (let near = Math.round(at / tenth) + 1; ; near--) if (near * tenth <= at) return near;
        };
        let now = begun / 7;
        let forgottenTo = Number.NEGATIVE_INFINITY;
        const inFlight = new InFlight(slowMs, now);
        const calls: number[] = [];
        for (const move of moves) {
          if (move.kind === 'begin') {
            inFlight.begin(now);
            calls.push(now);
          } else if (move.kind === 'end') {
            if (calls.length > 0) inFlight.end(calls.splice(move.call % calls.length, 1)[0]!);
          } else if (move.kind === 'forget') {
            const until = Math.max(0, now - move.tenths * tenth);
            inFlight.forget(until);
            forgottenTo = Math.max(forgottenTo, tenthOf(until));
          } else
            now = Math.max(now, move.kind === 'pass' ? now + move.share * tenth : (tenthOf(now) + move.tenths) * tenth);
          inFlight.advance(now);
          const current = tenthOf(now);
          const ages = calls
            .map(tenthOf)
            .filter((began) => began > forgottenTo)
            .map((began) => current - began);
          expect(inFlight.overdue).toBe(ages.filter((age) => age > 10 && age < 100).length);
          expect(inFlight.steadyUntil).toBe((current + 1) * tenth);
        }
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it('are none after a clear, and those of before are not missed in it', () => {
    const inFlight = new InFlight(SLOW, 0);
    for (let i = 0; i < 3; i++) inFlight.begin(0);
    inFlight.advance(200);
    expect(inFlight.overdue).toBe(3);
    inFlight.begin(200);
    inFlight.clear();
    expect(inFlight.overdue).toBe(0);
    inFlight.begin(205);
    inFlight.advance(400);
    expect(inFlight.overdue).toBe(1);
  });
});
