import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Fleet, loadOf, MEASURED, play, rows } from './scaling.ts';

/** The same numbers in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const FLEETS: readonly Fleet[] = [
  { agents: 10_000, replicas: 1, editsPerMinute: 1, policiesChanging: 1 },
  { agents: 30_000, replicas: 3, editsPerMinute: 4, policiesChanging: 1 },
  { agents: 9_000, replicas: 3, editsPerMinute: 0.5, policiesChanging: 1 },
];

describe('the arithmetic of a fleet', () => {
  it.each(FLEETS)('is what comes out when $agents agents on $replicas replicas are played', (fleet) => {
    const load = loadOf(fleet);
    const played = play(fleet, { seconds: 600, random: seeded(7) });
    const near = (value: number, expected: number) => expect(Math.abs(value / expected - 1)).toBeLessThan(0.03);
    near(played.reportsPerSecond, load.reportsPerSecondPerReplica);
    near(played.reviewsPerSecond, load.apiReviewsPerSecond / fleet.replicas);
    near(played.cores, load.coresPerReplica);
    const usual = (load.agentsPerReplica / 10) * (MEASURED.cpuMsPerReport / 1_000);
    near(played.busiestSecond, load.coresAfterEdit + usual);
  });

  it('writes to the API server no more than the limits allow, however many agents there are', () => {
    const fleet = { agents: 1_000_000, replicas: 120, editsPerMinute: 600, policiesChanging: 10_000 };
    expect(loadOf(fleet).apiWritesPerSecond).toBe(20 + 120 + 12 + 0.5);
    expect(loadOf({ ...fleet, agents: 1_000 }).apiWritesPerSecond).toBe(loadOf(fleet).apiWritesPerSecond);
  });

  it('is the table of the page about scaling', () => {
    const page = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
    for (const row of rows()) expect(page).toContain(row);
  });
});
