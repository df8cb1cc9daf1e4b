import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CountWindow } from './count-window.ts';

const size = fc.integer({ min: 1, max: 70 });
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ failed: fc.boolean(), slow: fc.boolean() }) },
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
            window.record(0, each.failed, each.slow);
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
});
