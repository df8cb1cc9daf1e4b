import { describe, expect, it } from '@jest/globals';
import { WriteQueue } from './write-queue.ts';

describe('the queue of writes', () => {
  it('gives only the newest item of a key', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 1000);
    queue.put('a', 2, 1000);
    expect(queue.take(0)).toEqual({ key: 'a', item: 2 });
    expect(queue.take(0)).toBeUndefined();
  });

  it('lets a key rest between two writes', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 1000);
    queue.take(0);
    queue.done('a');
    queue.put('a', 2, 1000);
    expect(queue.take(400)).toBe(600);
    expect(queue.take(1000)).toEqual({ key: 'a', item: 2 });
  });

  it('never has two writes of a key under way', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0);
    queue.take(0);
    queue.put('a', 2, 0);
    expect(queue.take(5000)).toBeUndefined();
    queue.done('a');
    expect(queue.take(5000)).toEqual({ key: 'a', item: 2 });
  });

  it('gives at most so many in any second, over all keys', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    for (let i = 0; i < 1000; i += 1) queue.put(`key ${i}`, i, 1000);
    const taken = (now: number) => {
      let count = 0;
      while (typeof queue.take(now) === 'object') count += 1;
      return count;
    };
    expect(taken(0)).toBe(20);
    expect(taken(0)).toBe(0);
    expect(queue.take(400)).toBe(600);
    expect(taken(1000)).toBe(20);
    expect(taken(60_000)).toBe(20);
  });

  it('says when it may be asked again, once so many were given, as long as one waits', () => {
    const queue = new WriteQueue<number>({ perSecond: 1 });
    queue.put('a', 1, 5000);
    queue.put('b', 1, 0);
    queue.take(0);
    expect(queue.take(100)).toBe(900);
    expect(queue.take(1000)).toEqual({ key: 'b', item: 1 });
    queue.done('b');
    expect(queue.take(1001)).toBeUndefined();
    queue.failed('a', 1, 1001);
    expect(queue.take(1001)).toBe(999);
    expect(queue.take(2000)).toBe(3000);
    queue.put('a', 2, 5000);
    expect(queue.take(5000)).toEqual({ key: 'a', item: 2 });
    expect(queue.take(5001)).toBeUndefined();
  });

  it('does not let a busy key starve another', () => {
    const queue = new WriteQueue<number>({ perSecond: 1 });
    queue.put('a', 1, 0);
    queue.put('b', 1, 0);
    const order: string[] = [];
    for (let now = 0; now < 4000; now += 1000) {
      const due = queue.take(now);
      if (typeof due !== 'object') throw new Error('nothing was due');
      order.push(due.key);
      queue.done(due.key);
      queue.put(due.key, now, 0);
    }
    expect(order).toEqual(['a', 'b', 'a', 'b']);
  });

  it('tries a failed write again after a wait that doubles up to 30 s', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0);
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 7; i += 1) {
      expect(queue.take(now)).toEqual({ key: 'a', item: 1 });
      queue.failed('a', 1, now);
      const wait = queue.take(now) as number;
      waits.push(wait);
      now += wait;
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('stays away as long as the server asks', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0);
    queue.take(0);
    queue.failed('a', 1, 0, 7000);
    expect(queue.take(0)).toBe(7000);
  });

  it('prefers a newer item to one that failed', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0);
    queue.take(0);
    queue.put('a', 2, 0);
    queue.failed('a', 1, 0);
    expect(queue.take(1000)).toEqual({ key: 'a', item: 2 });
  });

  it('forgets a key that rested and has nothing to write', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 1000);
    queue.take(0);
    queue.done('a');
    queue.take(999);
    expect(queue.size).toBe(1);
    queue.take(1000);
    expect(queue.size).toBe(0);
  });

  it('tells of each item: once however often it is replaced, and again after a failure', () => {
    const told: string[] = [];
    const waiting = new Set<string>();
    const queue = new WriteQueue<number>(
      { perSecond: 20 },
      {
        added: (key) => waiting.add(key),
        taken: (key) => told.push(`${key} taken, ${waiting.delete(key) ? 'was' : 'was not'} waiting`),
        done: (key, result) => told.push(`${key} ${result}`),
        retried: (key) => told.push(`${key} retried`),
      },
    );
    queue.put('a', 1, 0);
    queue.put('a', 2, 0);
    queue.take(0);
    queue.failed('a', 2, 0);
    queue.take(1000);
    queue.done('a');
    queue.put('b', 1, 0);
    queue.take(1000);
    queue.done('b', 'error');
    expect(told).toEqual([
      ...['a taken, was waiting', 'a error', 'a retried'],
      ...['a taken, was waiting', 'a success'],
      ...['b taken, was waiting', 'b error'],
    ]);
    expect(waiting).toEqual(new Set());
  });
});
