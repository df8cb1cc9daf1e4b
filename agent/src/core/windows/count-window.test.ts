import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { put } from '../../../test/put.ts';
import { CountWindow } from './count-window.ts';

const size = fc.integer({ min: 1, max: 70 });
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ failed: fc.boolean(), slow: fc.boolean() }) },
  { weight: 20, arbitrary: fc.constant({ failed: false, slow: false }) },
  { weight: 1, arbitrary: size },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
);

describe('a Count window', () => {
  it('holds the last calls of a log, through every change of its size', () => {
    fc.assert(
      fc.property(size, fc.array(step, { maxLength: 300, size: 'max' }), (initial, steps) => {
        const window = new CountWindow(initial);
        let limit = initial;
        let log: { failed: boolean; slow: boolean }[] = [];
        for (const each of steps) {
          if (each === 'clear') {
            window.clear();
            log = [];
          } else if (typeof each === 'number') {
            window.resize(each);
            limit = each;
          } else {
            put(window, 0, each.failed, each.slow);
            log.push(each);
          }
          log = log.slice(-limit);
          expect({ calls: window.calls, failures: window.failures, slow: window.slow }).toEqual({
            calls: log.length,
            failures: log.filter(({ failed }) => failed).length,
            slow: log.filter(({ slow }) => slow).length,
          });
        }
      }),
    );
  });

  it('does not mind how much time passes', () => {
    const window = new CountWindow(3);
    window.record(0, true, false);
    window.advance(86_400_000);
    expect(window.calls).toBe(1);
  });

  it('counts on after nothing but successes filled it, more than once', () => {
    const window = new CountWindow(3);
    for (let i = 0; i < 4; i++) window.succeed(0);
    window.record(0, false, true);
    for (let i = 0; i < 2; i++) window.succeed(0);
    expect({ calls: window.calls, slow: window.slow }).toEqual({ calls: 3, slow: 1 });
    window.succeed(0);
    expect({ calls: window.calls, slow: window.slow }).toEqual({ calls: 3, slow: 0 });
    window.record(0, true, false);
    for (let i = 0; i < 2; i++) window.succeed(0);
    expect(window.failures).toBe(1);
    window.succeed(0);
    expect(window.failures).toBe(0);
  });

  it('takes no more room than its calls need', () => {
    const before = process.memoryUsage().arrayBuffers;
    const windows = Array.from({ length: 10 }, () => new CountWindow(100_000));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * 30_000);
    expect(windows).toHaveLength(10);
  });
});
