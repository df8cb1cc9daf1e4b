import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Theirs from 'opossum';
import Ours from '../src/index.ts';
import type CircuitBreaker from '../types/index.cjs';
import { CASES, type Case } from './cases.ts';
import { DIFFERENCES } from './differences.ts';

const THEIRS = Theirs as unknown as typeof CircuitBreaker;
/** What a program can use of a breaker; a leading underscore is how opossum says that it is not for programs. */
function members(Class: typeof CircuitBreaker): string[] {
  const breaker = new Class(async () => {});
  const names = Object.getOwnPropertyNames(Class.prototype).filter((name) => !name.startsWith('_'));
  const own = Object.keys(breaker).filter((name) => !Object.hasOwn(EventEmitter.prototype, name) && !/^_/.test(name));
  breaker.shutdown();
  return [...Object.getOwnPropertyNames(Class), ...names, ...own].filter((name) => name !== 'domain');
}

const START = new Date('2026-01-01T00:00:00Z');

async function run(Class: typeof CircuitBreaker, each: Case): Promise<unknown> {
  const made: CircuitBreaker[] = [];
  jest.setSystemTime(START);
  const seen = await each({
    CircuitBreaker: Class,
    make: (action, options) => {
      const breaker = new Class(action, options as CircuitBreaker.Options);
      made.push(breaker);
      return breaker as never;
    },
    pass: (ms) => jest.advanceTimersByTimeAsync(ms),
  });
  for (const breaker of made) breaker.shutdown();
  return seen;
}

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a breaker without a policy, as one of opossum', () => {
  it('has every member', () => {
    expect(members(Ours)).toEqual(expect.arrayContaining(members(THEIRS)));
    expect(members(THEIRS).length).toBeGreaterThan(30);
  });

  it.each(Object.entries(CASES))('%s', async (_name, each) => {
    expect(await run(Ours, each)).toEqual(await run(THEIRS, each));
  });
});

describe('a breaker without a policy, unlike one of opossum', () => {
  it.each(Object.entries(DIFFERENCES))('%s', async (_name, { run: each, theirs, ours, reason }) => {
    expect(await run(THEIRS, each)).toEqual(theirs);
    expect(await run(Ours, each)).toEqual(ours);
    expect(reason).toMatch(/^.{20,}[^.]$/);
  });
});
