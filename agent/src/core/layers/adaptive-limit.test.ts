import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AdaptiveLimitConfig } from '../config/call-config.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';

const config = (more: Partial<AdaptiveLimitConfig> = {}): AdaptiveLimitConfig => ({
  minConcurrent: 2,
  initial: 20,
  maxConcurrent: 200,
  ...more,
});

/** A server that works on `capacity` calls at once; more share it, and each takes longer. */
interface Server {
  readonly capacity: number;
  readonly workMs: number;
}

/** @returns the limit after each round of the callers, of whom there are always enough. */
function load(limit: AdaptiveLimit, { capacity, workMs }: Server, rounds: number, callers = 1_000): number[] {
  let seed = 1;
  const noise = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return 0.5 + seed / 2_147_483_647;
  };
  return Array.from({ length: rounds }, () => {
    const running = Math.min(limit.limit, callers);
    const ms = workMs * Math.max(1, running / capacity);
    for (let i = 0; i < running; i++) limit.record(ms * noise(), running - 1);
    return limit.limit;
  });
}
const most = (limits: readonly number[]) => Math.max(...limits.slice(-200));
/** Without the rounds at half of the limit. */
const usual = (limits: readonly number[]) => limits.slice(-200).sort((a, b) => a - b)[100]!;

describe('a limit that follows how long calls take', () => {
  it.each([2, 20, 200])('begins at %i and finds what a server can work on, not many more', (initial) => {
    const limits = load(new AdaptiveLimit(config({ initial })), { capacity: 40, workMs: 10 }, 2_000);
    expect(usual(limits)).toBeGreaterThanOrEqual(40);
    expect(most(limits)).toBeLessThan(80);
  });

  it('follows a server that loses most of its capacity, and one that gets it back', () => {
    const limit = new AdaptiveLimit(config());
    load(limit, { capacity: 40, workMs: 10 }, 1_000);
    expect(most(load(limit, { capacity: 5, workMs: 10 }, 1_000))).toBeLessThan(15);
    const after = load(limit, { capacity: 40, workMs: 10 }, 1_000);
    expect(usual(after)).toBeGreaterThanOrEqual(40);
    expect(most(after)).toBeLessThan(80);
  });

  it('learns that a server is slower without load, and does not stay low', () => {
    const limit = new AdaptiveLimit(config());
    load(limit, { capacity: 40, workMs: 10 }, 1_000);
    const after = load(limit, { capacity: 40, workMs: 50 }, 1_000);
    expect(usual(after)).toBeGreaterThanOrEqual(40);
    expect(most(after)).toBeLessThan(80);
  });

  it('does not grow where few callers use little of it', () => {
    const limits = load(new AdaptiveLimit(config()), { capacity: 40, workMs: 10 }, 1_000, 5);
    expect(most(limits)).toBe(20);
  });

  it('stays within its bounds, and keeps what it learned when an edit moves them', () => {
    const call = fc.record({ ms: fc.double({ min: 0, max: 10_000, noNaN: true }), running: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 500, size: 'max' }), (calls) => {
        const limit = new AdaptiveLimit(config({ maxConcurrent: 30 }));
        const limits = calls.map(({ ms, running }) => {
          limit.record(ms, running);
          return limit.limit;
        });
        expect(Math.min(2, ...limits)).toBe(2);
        expect(Math.max(30, ...limits)).toBe(30);
      }),
    );
    const limit = new AdaptiveLimit(config());
    load(limit, { capacity: 40, workMs: 10 }, 1_000);
    const learned = limit.limit;
    limit.configure(config({ minConcurrent: 1, initial: 3 }));
    expect(limit.limit).toBe(learned);
    limit.configure(config({ maxConcurrent: 10 }));
    expect(limit.limit).toBe(10);
    limit.configure(config({ minConcurrent: 12 }));
    expect(limit.limit).toBe(12);
  });

  it('changes after a round of at least ten calls, whose mean it compares', () => {
    const limit = new AdaptiveLimit(config({ initial: 4 }));
    const round = (ms: number, running: number) => {
      for (let i = 0; i < 10; i++) limit.record(ms, running);
      return limit.limit;
    };
    for (let i = 0; i < 9; i++) limit.record(10, 3);
    expect(limit.limit).toBe(4);
    limit.record(10, 3);
    expect(limit.limit).toBe(5);
    expect(round(15, 4)).toBe(6);
    expect(round(15.1, 5)).toBe(5);
    expect(round(10, 1)).toBe(5);
    expect(round(10, 2)).toBe(6);
  });

  it('applies half of the limit in the last two of sixteen rounds, and learns from the last', () => {
    const limit = new AdaptiveLimit(config({ initial: 8, maxConcurrent: 8 }));
    const round = (ms: number) => {
      for (let i = 0; i < 10; i++) limit.record(ms, 7);
      return limit.limit;
    };
    expect(Array.from({ length: 13 }, () => round(10))).toEqual(Array.from({ length: 13 }, () => 8));
    expect([round(10), round(100), round(20)]).toEqual([4, 4, 8]);
    expect([round(22.5), round(22.6)]).toEqual([8, 7]);
  });
});
