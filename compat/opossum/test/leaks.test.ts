import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import CircuitBreaker from '../src/index.ts';
import { after, failIfTold, outcome, passFail } from './cases.ts';

const source = join(import.meta.dirname, '../src/index.ts');

/** Runs a program that has the class, and gives back what it printed. */
function run(program: string): string {
  const script = `const { default: CircuitBreaker } = await import(${JSON.stringify(source)});\n${program}`;
  const flags = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning', '--expose-gc'];
  const env = { ...process.env, NODE_OPTIONS: '' };
  return execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    env,
    encoding: 'utf8',
  }).trim();
}

afterEach(() => {
  jest.useRealTimers();
});

describe('what a breaker leaves behind', () => {
  it('is no timer once it was shut down', async () => {
    jest.useFakeTimers();
    const breaker = new CircuitBreaker(passFail, { allowWarmUp: true, coalesce: true, cache: true, resetTimeout: 500 });
    breaker.status.on('snapshot', () => {});
    breaker.healthCheck(async () => {}, 1_000);
    const calls = [1, -1].map((x) => outcome(breaker.fire(x)));
    await jest.advanceTimersByTimeAsync(20);
    await Promise.all(calls);
    breaker.open();
    expect(jest.getTimerCount()).toBeGreaterThanOrEqual(4);
    breaker.shutdown();
    // The clock of the process rests once nobody reads it.
    await jest.advanceTimersByTimeAsync(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is no timer while it is closed and nobody calls it', async () => {
    jest.useFakeTimers();
    const breakers = Array.from({ length: 10 }, () => new CircuitBreaker(failIfTold));
    await Promise.all(breakers.map((breaker) => breaker.fire('ok')));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(jest.getTimerCount()).toBe(0);
    for (const breaker of breakers) breaker.shutdown();
  });

  it('is no listener of its own, on itself, its status or a controller', async () => {
    const rotateBucketController = new EventEmitter();
    const breaker = new CircuitBreaker(failIfTold, { rotateBucketController });
    breaker.status.on('snapshot', () => {});
    await breaker.fire('ok');
    breaker.shutdown();
    expect([breaker, breaker.status, rotateBucketController].map((each) => each.eventNames())).toEqual([[], [], []]);
  });

  it('is no call that ended, however it ended', async () => {
    jest.useFakeTimers();
    const abortController = new AbortController();
    const options = { abortController, timeout: 50, capacity: 100, errorThresholdPercentage: 100 };
    const action = (ms: number) => (ms < 0 ? failIfTold('fail') : after(ms, ms));
    const breaker = new CircuitBreaker<[number]>(action, options);
    const outcomes = new Set<unknown>();
    for (let round = 0; round < 50; round++) {
      const calls = Array.from({ length: 200 }, (_, i) => outcome(breaker.fire([-1, 10, 500][i % 3]!)));
      await jest.advanceTimersByTimeAsync(500);
      for (const each of await Promise.all(calls)) outcomes.add(JSON.stringify(each));
    }
    expect([...outcomes].sort()).toHaveLength(4);
    expect(breaker.semaphore.count).toBe(100);
    breaker.shutdown();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is nothing that keeps the process alive, shut down or not', () => {
    const program = `
      const failing = new CircuitBreaker(async () => { throw new Error('down'); }, { allowWarmUp: true, name: 'failing' });
      failing.status.on('snapshot', () => {});
      failing.healthCheck(async () => {}, 1_000);
      await failing.fire().catch(() => {});
      failing.open();
      new CircuitBreaker(() => new Promise(() => {}), { timeout: false }).fire();
      console.log('done');`;
    expect(run(program)).toBe('done');
  });

  it('is no breaker that was shut down, in memory', () => {
    const program = `
      const made = [];
      for (let i = 0; i < 1_000; i++) {
        const breaker = new CircuitBreaker(async (x) => x, { name: 'request', group: 'requests' });
        made.push(new WeakRef(breaker));
        await breaker.fire(i);
        if (i % 3 === 0) breaker.open();
        breaker.shutdown();
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
      gc();
      const { getBreaker } = await import('@fuseboard/agent');
      const kept = made.filter((each) => each.deref() !== undefined).length;
      console.log(kept < 10, getBreaker('request').state, getBreaker('request').stats().totals.succeeded);`;
    expect(run(program)).toBe('true closed 1000');
  });
});

describe('a process that stood still while a circuit was open', () => {
  it('is told once that the circuit is half-open', async () => {
    const breaker = new CircuitBreaker(failIfTold, { resetTimeout: 10 });
    const events: string[] = [];
    for (const event of ['open', 'halfOpen', 'close']) breaker.on(event, () => events.push(event));
    breaker.open();
    const until = performance.now() + 30;
    while (performance.now() < until);
    await new Promise((resolve) => breaker.on('halfOpen', () => setImmediate(resolve)));
    await breaker.fire('ok');
    expect(events).toEqual(['open', 'halfOpen', 'close']);
    breaker.shutdown();
  });
});
