import { describe, expect, it } from '@jest/globals';
import { compile } from '../config/config.ts';
import { windowFor } from './window.ts';

const config = (window: unknown) => {
  const compiled = compile({ trip: { window, failureCount: 1 } });
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.config;
};
const time = config({ type: 'Time', duration: '10s' });
const longer = config({ type: 'Time', duration: '20s' });
const count = config({ type: 'Count', size: 5 });
const fading = config({ type: 'Ewma', halfLife: '10s' });
const fadingSlower = config({ type: 'Ewma', halfLife: '20s' });
const larger = config({ type: 'Count', size: 50 });

describe('a window that is edited', () => {
  it.each([
    ['a longer time', time, longer, 1],
    ['more calls', count, larger, 1],
    ['calls instead of time', time, count, 0],
    ['time instead of calls', count, time, 0],
    ['a longer half-life', fading, fadingSlower, 1],
    ['fading instead of time', time, fading, 0],
    ['time instead of fading', fading, time, 0],
  ])('by %s has the samples it should', (_, before, after, calls) => {
    const window = windowFor(before, undefined, 0);
    window.record(0, true, true);
    expect(windowFor(after, window, 0).calls).toBe(calls);
  });
});
