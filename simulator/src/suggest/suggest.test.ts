import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { made } from '../../test/generator.ts';
import type { BreakerRecording } from '../calls/recording.ts';
import { FAILURE, type Trace } from '../calls/trace.ts';
import { replay } from '../replay/replay.ts';
import { missing, policyYaml } from '../report/policy-yaml.ts';
import { suggestionText } from '../report/suggestion-text.ts';
import { runFloor } from './recipe.ts';
import { ruleFrom, suggest } from './suggest.ts';

const recordingOf = (...traces: Trace[]): BreakerRecording => ({
  breaker: 'Payments/EU',
  traces,
  knowsProcesses: true,
  keys: [],
  calls: traces.reduce((sum, { start }) => sum + start.length, 0),
  failures: traces.reduce((sum, { outcome }) => sum + outcome.filter((each) => each === FAILURE).length, 0),
  rejected: 0,
  withoutDuration: 0,
});
const HOUR = 3_600;

describe('a suggestion', () => {
  it('stays closed in the calm it was made from, and finds an outage and a slow-down that come later', () => {
    const { judged, verdict } = suggest(recordingOf(made({ seconds: HOUR, rate: 5 }, 1)));
    expect({ verdict, seen: judged.openings.seen }).toEqual({ verdict: 'policy', seen: 0 });
    const later = made({ seconds: HOUR, rate: 5, outage: [600, 660], slow: [1_800, 1_920] }, 2);
    const opened = replay(judged.spec, later).transitions.filter(({ from, to }) => from === 'closed' && to === 'open');
    const seconds = opened.map(({ at }) => Math.round(at / 1_000));
    expect(seconds[0]).toBeGreaterThanOrEqual(600);
    expect(seconds[0]).toBeLessThan(605);
    expect(seconds.find((at) => at > 700)).toBeGreaterThanOrEqual(1_800);
    expect(seconds.find((at) => at > 700)).toBeLessThan(1_815);
  });

  it('takes a number of calls for a window where traffic is too sparse for a time', () => {
    const { rule, judged } = suggest(recordingOf(made({ seconds: 4 * HOUR, rate: 0.1 }, 3)));
    expect(rule.form.type).toBe('Count');
    expect(judged.blind).toBeLessThan(0.05);
  });

  it('is a recipe with its floors where little was recorded, and says how much more is needed', () => {
    const suggestion = suggest(recordingOf(made({ seconds: 100, rate: 5 }, 4)));
    const { verdict, rule } = suggestion;
    expect(verdict).toBe('recipe');
    expect(rule).toMatchObject({ minimumCalls: 20, failurePercent: 50, consecutiveFailures: 5 });
    expect(missing(suggestion).join('\n')).toMatch(/more calm calls, about \d+.* of this traffic/);
  });

  it('goes below the floor of a run only when failures were recorded', () => {
    const never = suggest(recordingOf(made({ seconds: HOUR, rate: 5 }, 5)));
    expect(never.run).toMatchObject({ run: 5, isLowered: false });
    const outage = suggest(recordingOf(made({ seconds: HOUR, rate: 5, outage: [1_200, 1_260] }, 5)));
    expect(outage.run).toMatchObject({ run: 3, longestCalm: 0, isLowered: true });
  });

  it.each([
    [0, 5],
    [100, 5],
    [1, 5],
    [0.4, 4],
    [0.2, 4],
    [0.1, 3],
    [0.001, 3],
  ])('at %f calls a second takes %i failures in a row where nothing was recorded', (rate, run) => {
    expect(runFloor(rate)).toBe(run);
  });

  it('takes a shorter run where calls are seldom, and finds with it what five in a row miss', () => {
    const { run, judged } = suggest(recordingOf(made({ seconds: 4 * HOUR, rate: 0.1 }, 3)));
    expect(run).toMatchObject({ run: 3, isLowered: false });
    const quiet = made({ seconds: HOUR, rate: 0.1 }, 11);
    const later = { ...quiet, outcome: quiet.outcome.map((_, i) => (i >= 50 && i < 54 ? FAILURE : 0)) };
    expect(replay(judged.spec, later).transitions.some(({ to }) => to === 'open')).toBe(true);
    const five = { ...judged.spec, trip: { ...judged.spec.trip, consecutiveFailures: 5 } } as typeof judged.spec;
    expect(replay(five, later).transitions).toEqual([]);
  });

  it('calls slow what takes three times as long as usual, where calm stays clear of that', () => {
    const { rule, calm } = suggest(recordingOf(made({ seconds: HOUR, rate: 5 }, 1)));
    const usual = calm.durations[calm.durations.length >> 1]!;
    expect(rule.slow!.percent).toBe(60);
    expect(rule.slow!.slowerThanMs).toBeGreaterThanOrEqual(3 * usual);
    expect(rule.slow!.slowerThanMs).toBeLessThan(3.5 * usual);
  });

  it('asks for longer runs where calm has long ones', () => {
    const { run } = suggest(recordingOf(made({ seconds: HOUR, rate: 5, failing: 0.35 }, 6)));
    expect(run.run).toBe(Math.min(20, run.usualCalm + 2));
    expect(run.usualCalm).toBeGreaterThan(5);
  });

  const withRuns = (rate: number, ...runs: number[]) => {
    const trace = made({ seconds: 2_000 / rate, rate }, 12);
    const outcome = trace.outcome.slice();
    runs.forEach((length, at) => void outcome.fill(FAILURE, 100 * (at + 1), 100 * (at + 1) + length));
    return [{ ...trace, outcome }];
  };
  const calm = { incidents: [], slowMs: 1_000, usualFailureShare: 0 };

  it.each([
    { runs: [7], rate: 5, run: 5, why: 'calm shows a run once, which may be an outage that was too short to be told' },
    { runs: [7, 7], rate: 5, run: 9, why: 'calm shows such runs again' },
    { runs: [7, 6], rate: 5, run: 8, why: 'the second run is shorter' },
    { runs: [3], rate: 0.1, run: 3, why: 'a run as long as the floor was recorded once' },
    { runs: [15, 15], rate: 0.1, run: 12, why: 'four times the floor is the most' },
  ])('opens at $run failures in a row at $rate calls a second after runs of $runs, as $why', ({ runs, rate, run }) => {
    expect(ruleFrom(withRuns(rate, ...runs), calm).rule.consecutiveFailures).toBe(run);
  });

  it('keeps what is in force when a search finds hardly better', () => {
    const recording = recordingOf(made({ seconds: HOUR, rate: 5 }, 1));
    const { judged } = suggest(recording);
    expect(suggest(recording, { inForce: judged.spec }).verdict).toBe('keep');
    expect(suggest(recording, { inForce: {} }).verdict).toBe('policy');
  });

  it('asks for a circuit for each key where a few keys fail', () => {
    const trace = made({ seconds: HOUR, rate: 5 }, 8);
    const key = Int32Array.from(trace.start, (_, i) => i % 10);
    const outcome = trace.outcome.map((_, i) => (i % 10 === 3 && i % 20 < 10 ? FAILURE : 0));
    const { verdict, keys } = suggest({ ...recordingOf({ ...trace, key, outcome }), keys: [...'abcdefghij'] });
    expect(verdict).toBe('per-key');
    expect(keys!.worst[0]!.key).toBe('d');
  });

  it('says nothing about nothing', () => {
    expect(suggest(recordingOf()).verdict).toBe('nothing');
  });

  it('is the same for the same record', () => {
    const recording = recordingOf(made({ seconds: HOUR, rate: 3 }, 9));
    expect(suggestionText(suggest(recording))).toBe(suggestionText(suggest(recording)));
  });

  it('writes a policy of which every number has a reason, and which begins in Shadow', () => {
    const suggestion = suggest(recordingOf(made({ seconds: HOUR, rate: 5 }, 1)));
    const yaml = policyYaml(suggestion);
    const { metadata, spec } = parse(yaml);
    expect(metadata.name).toBe('payments-eu');
    expect(spec).toMatchObject({ breakers: ['Payments/EU'], mode: 'Shadow', ...suggestion.judged.spec });
    for (const line of yaml
      .split('\n')
      .filter((each) => /: .*\d/.test(each.split('#')[0]!) && !each.startsWith('api'))) {
      expect(line).toMatch(/#.*(counted|assumed)/);
    }
  });
});
