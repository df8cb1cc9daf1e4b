import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StallDetector } from './stall-detector.ts';

let time = 0;
const pass = (ms: number) => {
  for (let i = 0; i < ms; i += 10) {
    time += 10;
    jest.advanceTimersByTime(10);
  }
};
const make = () => new StallDetector(() => time);

beforeEach(() => {
  time = 1_000;
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('the detector', () => {
  it('sees no stall while the process moves on', () => {
    const detector = make();
    detector.watch(time + 60_000);
    pass(50_000);
    expect(detector.stallEndedAt()).toBe(Number.NEGATIVE_INFINITY);
  });

  it('sees a stall at its end, before the next beat and after it', () => {
    const detector = make();
    detector.watch(time + 60_000);
    pass(300);
    time += 2_000;
    expect(detector.stallEndedAt()).toBe(3_300);
    pass(1_000);
    expect(detector.stallEndedAt()).toBe(3_300);
  });

  it('takes a stall that a beat notices first', () => {
    const detector = make();
    detector.watch(time + 60_000);
    time += 2_000;
    pass(100);
    expect(detector.stallEndedAt()).toBe(3_100);
  });

  it('does not take a second for a stall', () => {
    const detector = make();
    detector.watch(time + 60_000);
    time += 1_000;
    expect(detector.stallEndedAt()).toBe(Number.NEGATIVE_INFINITY);
  });

  it('has a timer only for as long as it is asked to watch', () => {
    const detector = make();
    expect(jest.getTimerCount()).toBe(0);
    detector.watch(time + 1_000);
    detector.watch(time + 500);
    expect(jest.getTimerCount()).toBe(1);
    pass(1_200);
    expect(jest.getTimerCount()).toBe(0);
    time += 60_000;
    expect(detector.stallEndedAt()).toBe(Number.NEGATIVE_INFINITY);
    detector.watch(time + 1_000);
    expect(detector.stallEndedAt()).toBe(Number.NEGATIVE_INFINITY);
  });
});
