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

  it('pauses a key between two writes', () => {
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
    queue.failed('a', 1, 0, { askedMs: 7000 });
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

  it('writes a key at once that has rested since its last write', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 1000);
    queue.take(0);
    queue.done('a');
    expect(queue.take(1000)).toBeUndefined();
    queue.put('a', 2, 1000);
    expect(queue.take(1000)).toEqual({ key: 'a', item: 2 });
  });

  it('tells of each item: once however often it is replaced, and again after a failure', () => {
    const told: string[] = [];
    const waiting = new Set<string>();
    const queue = new WriteQueue<number>(
      { perSecond: 20 },
      {
        added: (key) => waiting.add(key),
        dropped: (key) => told.push(`${key} dropped, ${waiting.delete(key) ? 'was' : 'was not'} waiting`),
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
    queue.put('c', 1, 0);
    queue.drop('c');
    queue.put('d', 1, 0);
    queue.take(1000);
    queue.drop('d');
    queue.done('d');
    expect(told).toEqual([
      ...['a taken, was waiting', 'a error', 'a retried'],
      ...['a taken, was waiting', 'a success'],
      ...['b taken, was waiting', 'b error'],
      ...['c dropped, was waiting'],
      ...['d taken, was waiting', 'd success'],
    ]);
    expect(waiting).toEqual(new Set());
  });

  const order = (queue: WriteQueue<number>, count: number) =>
    Array.from({ length: count }, () => {
      const due = queue.take(0);
      if (typeof due !== 'object') throw new Error('nothing was due');
      queue.done(due.key);
      return due.key;
    });

  it('gives new items first, then changed ones, and every fourth time what waits longest', () => {
    const queue = new WriteQueue<number>({ perSecond: 100 });
    for (const i of [1, 2]) queue.put(`refreshed ${i}`, i, 1000);
    for (const i of [1, 2]) queue.put(`changed ${i}`, i, 1000, { priority: 'changed' });
    for (const i of [1, 2, 3, 4]) queue.put(`new ${i}`, i, 1000, { priority: 'new' });
    expect(order(queue, 8)).toEqual([
      ...['new 1', 'new 2', 'new 3', 'refreshed 1'],
      ...['new 4', 'changed 1', 'changed 2', 'refreshed 2'],
    ]);
  });

  it('lets 10,000 changed items delay a new one by one write at most', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    for (let i = 0; i < 10_000; i += 1) queue.put(`changed ${i}`, i, 1000, { priority: 'changed' });
    queue.put('new', 1, 1000, { priority: 'new' });
    expect(order(queue, 2)).toContain('new');
  });

  it('tries what was refused last, after a wait that doubles up to 5 min', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0, { priority: 'new' });
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 12; i += 1) {
      expect(queue.take(now)).toEqual({ key: 'a', item: 1 });
      queue.failed('a', 1, now, { refused: true });
      const wait = queue.take(now) as number;
      waits.push(wait / 1000);
      now += wait;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    queue.put('b', 2, 0);
    expect(queue.take(now)).toEqual({ key: 'b', item: 2 });
    expect(queue.take(now)).toEqual({ key: 'a', item: 1 });
  });

  it('waits no longer after a failure once the item has another version', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 1000, { version: 1 });
    const fails = (now: number) => {
      expect(queue.take(now)).toEqual({ key: 'a', item: 1 });
      queue.failed('a', 1, now, { refused: true });
    };
    for (const now of [0, 1000, 3000, 7000, 15_000]) fails(now);
    queue.put('a', 2, 1000, { version: 1 });
    expect(queue.take(15_500)).toBe(15_500);
    queue.put('a', 3, 1000, { version: 2 });
    expect(queue.take(15_500)).toBe(500);
    expect(queue.take(16_000)).toEqual({ key: 'a', item: 3 });
  });

  it('waits no longer after a failure of the version before the one that was put meanwhile', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0, { version: 1 });
    let now = 0;
    for (let i = 0; i < 5; i += 1) {
      queue.take(now);
      queue.failed('a', 1, now, { refused: true });
      now += queue.take(now) as number;
    }
    queue.take(now);
    queue.put('a', 2, 0, { version: 2 });
    queue.failed('a', 1, now, { refused: true });
    expect(queue.take(now)).toEqual({ key: 'a', item: 2 });
    queue.failed('a', 2, now);
    expect(queue.take(now)).toBe(1_000);
  });

  it('waits as the server asked, also with a version that was put meanwhile', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('a', 1, 0, { version: 1 });
    queue.take(0);
    queue.put('a', 2, 0, { version: 2 });
    queue.failed('a', 1, 0, { askedMs: 7_000 });
    expect(queue.take(0)).toBe(7_000);
  });

  it('has at most two under way of those that failed before', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    const stuck = ['a', 'b', 'c', 'd'];
    for (const key of stuck) queue.put(key, 1, 0);
    for (const key of stuck) expect(queue.take(0)).toMatchObject({ key });
    for (const key of stuck) queue.failed(key, 1, 0);
    queue.take(5000);
    queue.take(5000);
    expect(queue.take(5000)).toBeUndefined();
    queue.put('e', 1, 0);
    expect(queue.take(5000)).toEqual({ key: 'e', item: 1 });
    queue.done('a');
    queue.drop('b');
    expect([queue.take(5000), queue.take(5000)]).toMatchObject([{ key: 'c' }, { key: 'd' }]);
  });

  it('gives nothing of a key that was dropped, and does not try it again', () => {
    const queue = new WriteQueue<number>({ perSecond: 20 });
    queue.put('waiting', 1, 0);
    queue.drop('waiting');
    expect(queue.take(0)).toBeUndefined();
    queue.put('busy', 1, 0);
    queue.take(0);
    queue.drop('busy');
    expect(queue.failed('busy', 1, 0)).toBe(false);
    expect(queue.take(60_000)).toBeUndefined();
  });

  it('does not count what needed no request', () => {
    const queue = new WriteQueue<number>({ perSecond: 1 });
    for (const key of ['a', 'b', 'c']) queue.put(key, 1, 0);
    queue.take(0);
    queue.skipped('a');
    expect(queue.take(0)).toEqual({ key: 'b', item: 1 });
    expect(queue.take(0)).toBe(1000);
  });
});
