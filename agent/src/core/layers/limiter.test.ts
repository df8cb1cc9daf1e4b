import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Limiter, type Waiter } from './limiter.ts';

const waiter = (granted: () => void = () => {}): Waiter => ({ previous: null, next: null, granted });

describe('the limiter', () => {
  it('gives out as many places as there are', () => {
    const limiter = new Limiter(2, 0);
    expect([limiter.acquire(), limiter.acquire(), limiter.acquire()]).toEqual([true, true, false]);
    limiter.release();
    expect([limiter.acquire(), limiter.acquire()]).toEqual([true, false]);
  });

  it('gives a place beyond the limit to who may not be refused, which counts as one', () => {
    const limiter = new Limiter(1, 0);
    limiter.acquireAnyway();
    limiter.acquireAnyway();
    expect(limiter.running).toBe(2);
    limiter.release();
    expect(limiter.acquire()).toBe(false);
    limiter.release();
    expect(limiter.acquire()).toBe(true);
  });

  it('does not let a newcomer pass those who wait', () => {
    const limiter = new Limiter(1, 1);
    limiter.acquire();
    limiter.join(waiter(() => expect(limiter.acquire()).toBe(false)));
    expect(limiter.acquire()).toBe(false);
    limiter.release();
    expect(limiter.running).toBe(1);
  });

  it('admits waiting calls when the limit is raised or removed', () => {
    const limiter = new Limiter(1, 5);
    const granted: number[] = [];
    limiter.acquire();
    for (const i of [1, 2, 3, 4]) limiter.join(waiter(() => granted.push(i)));
    limiter.resize(3, 5);
    expect(granted).toEqual([1, 2]);
    limiter.resize(Number.POSITIVE_INFINITY, 0);
    expect(granted).toEqual([1, 2, 3, 4]);
  });

  it('keeps running calls when the limit is lowered, and admits none before there is room', () => {
    const limiter = new Limiter(3, 0);
    for (let i = 0; i < 3; i++) limiter.acquire();
    limiter.resize(1, 0);
    limiter.release();
    limiter.release();
    expect(limiter.acquire()).toBe(false);
    limiter.release();
    expect(limiter.acquire()).toBe(true);
  });

  it('follows an adaptive limit within its bounds, keeps it over an edit of them, and drops it for a fixed one', () => {
    const limiter = new Limiter(8, 0);
    const admitted = () => {
      let count = 0;
      while (limiter.acquire()) count++;
      for (let i = 0; i < count; i++) limiter.release();
      return count;
    };
    limiter.record(10); // a fixed limit learns nothing
    expect(admitted()).toBe(8);
    limiter.resize(8, 0, { minConcurrent: 1, initial: 4, maxConcurrent: 8 });
    expect(admitted()).toBe(4);
    for (let call = 0; call < 10; call++) {
      for (let i = 0; i < 4; i++) limiter.acquire();
      limiter.release();
      limiter.record(10);
      for (let i = 0; i < 3; i++) limiter.release();
    }
    expect(admitted()).toBe(5);
    limiter.resize(6, 0, { minConcurrent: 1, initial: 2, maxConcurrent: 6 });
    expect(admitted()).toBe(5);
    limiter.resize(8, 0);
    expect(admitted()).toBe(8);
  });

  it('never exceeds its capacity, serves in order, and drops no waiting call', () => {
    const command = fc.constantFrom('call', 'call', 'call', 'end', 'leave', 'resize');
    fc.assert(
      fc.property(fc.array(fc.tuple(command, fc.nat(20)), { maxLength: 200, size: 'max' }), (commands) => {
        let [most, mostQueued] = [3, 4];
        const limiter = new Limiter(most, mostQueued);
        let running = 0;
        const queue: { id: number; waiter: Waiter }[] = [];
        const [expected, served]: [number[], number[]] = [[], []];
        const grant = () => {
          while (running < most && queue.length > 0) {
            running++;
            expected.push(queue.shift()!.id);
          }
        };
        for (const [id, [what, n]] of commands.entries()) {
          if (what === 'call') {
            const free = running < most && queue.length === 0;
            expect(limiter.acquire()).toBe(free);
            if (free) running++;
            else {
              const one = waiter(() => served.push(id));
              expect(limiter.join(one)).toBe(queue.length < mostQueued);
              if (queue.length < mostQueued) queue.push({ id, waiter: one });
            }
          } else if (what === 'end' && running > 0) {
            running--;
            grant();
            limiter.release();
          } else if (what === 'leave' && queue.length > 0) {
            const [gone] = queue.splice(n % queue.length, 1);
            limiter.leave(gone!.waiter);
          } else if (what === 'resize') {
            [most, mostQueued] = [1 + (n % 5), n % 6];
            grant();
            limiter.resize(most, mostQueued);
          }
          expect([limiter.running, limiter.queued]).toEqual([running, queue.length]);
          expect(served).toEqual(expected);
        }
      }),
    );
  });
});
