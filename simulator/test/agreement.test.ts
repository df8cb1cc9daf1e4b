import { describe, expect, it } from '@jest/globals';
import { replay } from '../src/replay/replay.ts';
import { difference, drawn } from './agreement.ts';

const TRACES = 200;

describe('a replay', () => {
  it('changes state and rejects as a live breaker does with the same calls', async () => {
    for (let seed = 1; seed <= TRACES; seed++) expect(await difference(seed)).toBeUndefined();
  });

  it('is compared on traces in which something happens', () => {
    const reasons = new Set<string>();
    for (let seed = 1; seed <= TRACES; seed++) {
      const { spec, trace } = drawn(seed);
      for (const { reason } of replay(spec, trace).transitions) reasons.add(reason);
    }
    expect([...reasons].sort()).toEqual([
      'consecutive-failures',
      'failure-count',
      'failure-rate',
      'open-duration-over',
      'probe-failed',
      'probe-succeeded',
      'probe-timeout',
      'ramp-over',
      'slow-call-rate',
    ]);
  });
});
