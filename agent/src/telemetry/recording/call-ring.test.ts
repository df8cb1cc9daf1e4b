import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  CallRing,
  errorSeen,
  kindOf,
  MAX_IDS,
  NOTHING_SEEN,
  namesOf,
  type OutcomeCode,
  type RingCall,
} from './call-ring.ts';

const blank = (): RingCall => ({ start: 0, durationMs: 0, outcome: 0, inForce: false, seen: 0, breaker: 0, key: 0 });
const calls = fc.record({
  start: fc.double({ min: 0, max: 2e12, noNaN: true }),
  durationMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
  outcome: fc.constantFrom<OutcomeCode>(0, 1, 2, 3),
  inForce: fc.boolean(),
  seen: fc.oneof(
    fc.constant(NOTHING_SEEN),
    fc.integer({ min: 0, max: 999 }),
    fc.integer({ min: 1, max: MAX_IDS - 1 }).map(errorSeen),
  ),
  breaker: fc.integer({ min: 0, max: MAX_IDS - 1 }),
  key: fc.integer({ min: 0, max: MAX_IDS - 1 }),
});
const push = (ring: CallRing, { start, durationMs, outcome, inForce, seen, breaker, key }: RingCall) =>
  ring.push(start, durationMs, kindOf(outcome, seen, inForce), namesOf(breaker, key));
const shift = (ring: CallRing) => {
  const into = blank();
  ring.shift(into);
  return into;
};

describe('the ring', () => {
  it('gives calls back as they came, first in, first out, however often it went round', () => {
    fc.assert(
      fc.property(fc.array(fc.array(calls, { maxLength: 5 })), (rounds) => {
        const ring = new CallRing(5);
        for (const round of rounds) {
          for (const call of round) expect(push(ring, call)).toBe(true);
          expect(ring.size).toBe(round.length);
          expect(round.map(() => shift(ring))).toEqual(
            round.map((call) => ({ ...call, durationMs: call.durationMs + 0 })),
          );
        }
      }),
    );
  });

  it('refuses what it has no room for, and keeps what it has', () => {
    const ring = new CallRing(2);
    expect([1, 2, 3].map((start) => push(ring, { ...blank(), start }))).toEqual([true, true, false]);
    expect([shift(ring).start, shift(ring).start, ring.size]).toEqual([1, 2, 0]);
  });
});
