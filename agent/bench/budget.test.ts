import { describe, expect, it } from '@jest/globals';
import { judge } from './budget.ts';
import type { Measured } from './rounds.ts';
import type { CaseName } from './subject.ts';

const measured = (name: CaseName, library: string, min: number, bare: number): Measured => ({
  name,
  library,
  nsPerOp: { min, median: min },
  ratio: min / bare,
});

/** A run whose bare await takes so many ns. */
const run = (bare: number, own: number, peer: number): Measured[] => [
  measured('closed', 'bare', bare, bare),
  measured('closed', 'fuseboard', own, bare),
  measured('closed', 'cockatiel', peer, bare),
];

describe('the budget of a call', () => {
  it.each<[string, number, number, number, string[]]>([
    ['met on both sides', 50, 100, 210, ['met', 'met']],
    ['missed beside the bare call', 45, 109, 240, ['missed', 'met']],
    ['missed beside the peer', 50, 110, 210, ['met', 'missed']],
    ['beside the bare call not judged on a fast core', 44.9, 140, 300, ['not judged', 'met']],
    ['beside the peer judged on a fast core, too', 30, 80, 150, ['not judged', 'missed']],
    ['met by what is just enough', 50, 120, 240, ['met', 'met']],
  ])('is %s', (_, bare, own, peer, expected) => {
    expect(judge(run(bare, own, peer), []).map(({ verdict }) => verdict)).toEqual(expected);
  });

  it('is told with both ratios', () => {
    expect(judge(run(30, 75, 150), []).map(({ row }) => row)).toEqual([
      'closed: 2.50 x the bare call; the budget is 2.4 x where a bare await takes 45 ns, here 30.0',
      'closed: 0.50 x "closed" of cockatiel; the budget is 0.5 x',
    ]);
  });

  it('compares a case with another one, and a slow bare call on any core', () => {
    const own = (name: CaseName, ratio: number) => measured(name, 'fuseboard', 10 * ratio, 10);
    const rows = [own('concurrency, adaptive', 7), own('concurrency, fixed', 2), own('gRPC interceptor', 1.2)];
    expect(judge(rows, [])).toEqual([
      { row: 'gRPC interceptor: 1.20 x the bare call; the budget is 1.25 x', verdict: 'met' },
      { row: 'concurrency, adaptive: 3.50 x "concurrency, fixed"; the budget is 3 x', verdict: 'missed' },
    ]);
  });

  it('compares exact readings of the clock with the cheap ones of a peer', () => {
    const exact = measured('closed, exact clock', 'fuseboard', 140, 50);
    expect(judge([...run(50, 70, 150), exact], [])).toContainEqual({
      row: 'closed, exact clock: 0.93 x "closed" of cockatiel; the budget is 0.9 x',
      verdict: 'missed',
    });
  });

  it('is not judged beside the bare call where no bare await was measured', () => {
    const failing = [
      measured('failing, 1k samples', 'bare', 500, 500),
      measured('failing, 1k samples', 'fuseboard', 950, 500),
      measured('failing, 1k samples', 'cockatiel', 1_000, 500),
    ];
    expect(judge(failing, []).map(({ verdict }) => verdict)).toEqual(['not judged', 'missed']);
  });

  it('has no row for what was not measured', () => {
    expect(judge([], [])).toEqual([]);
    expect(judge(run(50, 70, 150).slice(0, 2), [])).toHaveLength(1);
  });
});

describe('the budget of idle breakers', () => {
  it.each([
    [600, 0, 0.5, ['met', 'met', 'met']],
    [601, 1, 0.51, ['missed', 'missed', 'missed']],
  ])('of %d bytes, %d timers and %d %% of a core', (bytesEach, timers, idleCpuPercent, expected) => {
    const verdicts = judge([], [{ library: 'fuseboard', bytesEach, timers, idleCpuPercent }]);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(expected);
  });
});
