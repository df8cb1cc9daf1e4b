import { describe, expect, it } from '@jest/globals';
import type { CallObserver } from '../../core/observers/call-observer.ts';
import { EarlyCalls } from './early-calls.ts';

const heard = (): { readonly calls: unknown[][]; readonly observer: CallObserver } => {
  const calls: unknown[][] = [];
  return {
    calls,
    observer: {
      settled: (...call) => calls.push(['settled', call[2], call[4]]),
      rejected: (...call) => calls.push(['rejected', call[2]]),
    },
  };
};
const circuit = {} as never;

describe('calls before their observer is there', () => {
  it('are told once, in the order in which they ended', () => {
    const early = new EarlyCalls();
    early.settled(circuit, circuit, 1, 5, 'failure', new Error('down'), true);
    early.rejected(circuit, circuit, 2);
    early.settled(circuit, circuit, 3, 5, 'success', 1, false);
    const { calls, observer } = heard();
    early.replayTo(observer);
    early.replayTo(observer);
    expect(calls).toEqual([
      ['settled', 1, 'failure'],
      ['rejected', 2],
      ['settled', 3, 'success'],
    ]);
  });

  it('are kept up to a bound', () => {
    const early = new EarlyCalls();
    for (let n = 0; n < 20_000; n++) early.rejected(circuit, circuit, n);
    const { calls, observer } = heard();
    early.replayTo(observer);
    expect(calls).toHaveLength(10_000);
    expect(calls.at(-1)).toEqual(['rejected', 9_999]);
  });
});
