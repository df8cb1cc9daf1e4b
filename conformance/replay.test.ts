import { describe, expect, it } from '@jest/globals';
import { CASES } from './cases.ts';
import { replayOurs } from './fuseboard.ts';
import type { Peer } from './peer.ts';
import { compare } from './replay.ts';
import type { Observation, Step } from './sequence.ts';

const one = CASES.find(({ peer, reasons }) => peer === 'circuitbreaker' && reasons.length === 0)!;
const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const peer = (replay: (steps: readonly Step[]) => Observation[]): Peer => ({
  name: 'another of ours',
  replay: async (_config, steps) => replay(steps),
  end: async () => {},
});

describe('the comparison', () => {
  it('finds nothing between two that are the same', async () => {
    const same = peer((steps) => replayOurs(one.ours, steps));
    const { unexplained, differences, openings, admitted, rejected } = await compare(one, same, seeds);
    expect({ unexplained, differences: [...differences] }).toEqual({ unexplained: [], differences: [] });
    expect(Math.min(openings, admitted, rejected)).toBeGreaterThan(10);
  });

  it.each([
    ['opens one failure later', { ...one.ours, trip: { consecutiveFailures: 4 } }],
    ['stays open 1 ms longer', { ...one.ours, recovery: { ...one.ours.recovery, openDuration: '2001ms' } }],
    [
      'needs one good probe more',
      { ...one.ours, recovery: { ...one.ours.recovery, halfOpen: { successThreshold: 2, probeTimeout: '24h' } } },
    ],
    ['never opens', {}],
  ])('finds one that %s', async (_what, spec) => {
    const other = peer((steps) => replayOurs(spec, steps));
    const { unexplained } = await compare(one, other, seeds);
    expect(unexplained.length).toBeGreaterThan(0);
  });

  it('refuses a library that shows less than every step', async () => {
    const silent = peer(() => []);
    await expect(compare(one, silent, seeds)).rejects.toThrow('showed 0 of');
  });
});
