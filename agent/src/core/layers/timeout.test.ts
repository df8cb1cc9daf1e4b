import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Deadline, TimeoutWheel } from './timeout.ts';

const deadline = (): Deadline => ({ dueAt: 0, previous: null, next: null, expire() {} });
const add = (wheel: TimeoutWheel, ms: number): Deadline => {
  const added = deadline();
  wheel.add(added, ms);
  return added;
};

describe('the wheel of time limits', () => {
  it('gives out what is due and nothing that is not, as a plain list would', () => {
    const step = fc.record({
      pass: fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.double({ min: 0, max: 20_000, noNaN: true })),
      added: fc.array(fc.double({ min: 1, max: 10_000, noNaN: true }), { maxLength: 5, size: 'max' }),
      remove: fc.array(fc.nat(20), { maxLength: 3, size: 'max' }),
    });
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 60, size: 'max' }), (start, steps) => {
        const wheel = new TimeoutWheel(5);
        let waiting: { each: Deadline; ms: number; dueAt?: number }[] = [];
        let now = start;
        for (const { pass, added, remove } of steps) {
          now += pass;
          for (const one of waiting) one.dueAt ??= Math.ceil(now + one.ms);
          const due = waiting.filter(({ dueAt }) => dueAt! <= now);
          waiting = waiting.filter(({ dueAt }) => dueAt! > now);
          expect(wheel.removeDue(now).map(({ dueAt }) => dueAt)).toEqual(
            due.map(({ dueAt }) => dueAt).sort((a, b) => a! - b!),
          );
          for (const ms of added) waiting.push({ each: add(wheel, ms), ms });
          for (const i of remove) {
            const [gone] = waiting.splice(i, 1);
            if (gone !== undefined) wheel.remove(gone.each);
          }
          expect(wheel.size).toBe(waiting.length);
        }
      }),
    );
  });

  it('lets the time of a deadline run from the tick after it was added, so that none is early', () => {
    const wheel = new TimeoutWheel(5);
    const late = add(wheel, 10);
    expect(wheel.removeDue(1_000)).toEqual([]);
    expect(wheel.removeDue(1_009.9)).toEqual([]);
    expect(wheel.removeDue(1_010)).toEqual([late]);
  });

  it('leaves a deadline alone that has left before', () => {
    const wheel = new TimeoutWheel(5);
    const [gone, stays] = [add(wheel, 10), add(wheel, 10)];
    wheel.removeDue(0);
    wheel.remove(gone);
    wheel.remove(gone);
    expect(wheel.size).toBe(1);
    expect(wheel.removeDue(10)).toEqual([stays]);
  });

  it('waits many turns of the ring for a deadline a day away', () => {
    const wheel = new TimeoutWheel(5);
    const far = add(wheel, 86_400_000);
    for (let now = 0; now < 86_400_000; now += 600_000) expect(wheel.removeDue(now)).toEqual([]);
    expect(wheel.removeDue(86_399_999.9)).toEqual([]);
    expect(wheel.removeDue(86_400_000)).toEqual([far]);
  });
});
