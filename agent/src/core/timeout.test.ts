import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Deadline, TimeoutWheel } from './timeout.ts';

const deadline = (dueAt: number): Deadline => ({ dueAt, previous: null, next: null, expire() {} });
const dues = (deadlines: readonly Deadline[]) => deadlines.map(({ dueAt }) => dueAt);

describe('the wheel of time limits', () => {
  it('gives out what is due and nothing that is not, as a plain list would', () => {
    const step = fc.record({
      pass: fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.double({ min: 0, max: 20_000, noNaN: true })),
      add: fc.array(fc.double({ min: 1, max: 10_000, noNaN: true }), { maxLength: 5, size: 'max' }),
      remove: fc.array(fc.nat(20), { maxLength: 3, size: 'max' }),
    });
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 60, size: 'max' }), (start, steps) => {
        const wheel = new TimeoutWheel(5);
        let waiting: Deadline[] = [];
        let now = start;
        for (const { pass, add, remove } of steps) {
          now += pass;
          const due = waiting.filter(({ dueAt }) => dueAt <= now);
          waiting = waiting.filter(({ dueAt }) => dueAt > now);
          expect(dues(wheel.takeDue(now))).toEqual(dues(due).sort((a, b) => a - b));
          for (const ms of add) {
            const each = deadline(now + ms);
            waiting.push(each);
            wheel.add(each);
          }
          for (const i of remove) {
            const [gone] = waiting.splice(i, 1);
            if (gone !== undefined) wheel.remove(gone);
          }
          expect(wheel.size).toBe(waiting.length);
        }
      }),
    );
  });

  it('gives out a deadline whose time had passed when it was added', () => {
    const wheel = new TimeoutWheel(5);
    wheel.add(deadline(1_000));
    wheel.takeDue(1_000);
    const late = deadline(900);
    wheel.add(late);
    expect(wheel.takeDue(1_001)).toEqual([late]);
  });

  it('leaves a deadline alone that has left before', () => {
    const wheel = new TimeoutWheel(5);
    const [gone, stays] = [deadline(10), deadline(10)];
    wheel.add(gone);
    wheel.add(stays);
    wheel.remove(gone);
    wheel.remove(gone);
    expect(wheel.size).toBe(1);
    expect(wheel.takeDue(10)).toEqual([stays]);
  });

  it('waits many turns of the ring for a deadline a day away', () => {
    const wheel = new TimeoutWheel(5);
    const far = deadline(86_400_000);
    wheel.add(far);
    for (let now = 0; now < 86_400_000; now += 600_000) expect(wheel.takeDue(now)).toEqual([]);
    expect(wheel.takeDue(86_399_999.9)).toEqual([]);
    expect(wheel.takeDue(86_400_000)).toEqual([far]);
  });
});
