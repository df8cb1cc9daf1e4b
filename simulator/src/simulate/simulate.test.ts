import { describe, expect, it } from '@jest/globals';
import { made } from '../../test/generator.ts';
import type { BreakerRecording } from '../calls/recording.ts';
import { LIBRARY_DEFAULTS } from '../replay/library-defaults.ts';
import { simulationPage } from '../report/page.ts';
import { simulationText } from '../report/simulation-text.ts';
import { check, parseExpectation } from './expectation.ts';
import { simulate } from './simulate.ts';

const trace = made({ seconds: 3_600, rate: 5, outage: [1_200, 1_320] }, 1);
const recording: BreakerRecording = {
  breaker: 'payments',
  traces: [trace],
  knowsProcesses: true,
  keys: [],
  calls: trace.start.length,
  failures: 0,
  rejected: 0,
  withoutDuration: 0,
};
const five = { name: 'five', spec: LIBRARY_DEFAULTS.pybreaker!.spec };
const never = { name: 'never', spec: {} };
const simulation = simulate(recording, [five, never]);

describe('a simulation', () => {
  it('finds the outage, and counts what each policy spares and costs in it', () => {
    const [incident] = simulation.segmentation.incidents;
    expect(incident!.kinds).toContain('failing');
    expect(incident!.from / 1_000).toBeCloseTo(1_200, -1);
    expect(incident!.to / 1_000).toBeCloseTo(1_320, -1);
    const [first, second] = simulation.policies.map(({ incidents }) => incidents[0]!);
    expect(first!.openedAfterMs!).toBeLessThan(3_000);
    expect(first!.badSpared / first!.bad).toBeGreaterThan(0.95);
    expect(first!.waitingSparedSeconds).toBeGreaterThan(0);
    expect(first!.goodRejectedAfter).toBeGreaterThan(0);
    expect(second).toMatchObject({ badSpared: 0, reached: 1, openedProcesses: 0 });
    expect(second!.openedAfterMs).toBeUndefined();
  });

  it('says of a policy without a trip condition that it does not open by itself', () => {
    expect(simulationText(simulation)).toContain('never: without `trip`, so only an override opens it.');
    expect(simulationText(simulate(recording, [five]))).not.toContain('without `trip`');
  });

  it('takes incidents as they are given where the rest is called calm', () => {
    const calm = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }];
    const given = { from: 1_250_000, to: 1_260_000, kinds: ['failing' as const] };
    expect(simulate(recording, [five], { incident: [given], calm }).segmentation.incidents).toEqual([
      { ...given, given: true },
    ]);
  });

  it('takes an opening outside of incidents for false', () => {
    const all = { from: 0, to: 3_600_000 };
    const calm = simulate(recording, [five], { calm: [all] });
    expect(calm.segmentation.incidents).toEqual([]);
    expect(calm.policies[0]!.falseOpenings.seen).toBeGreaterThan(0);
  });

  it('leaves out calls that were rejected when they were recorded, and says so', () => {
    const outcome = trace.outcome.map((each, i) => (i < 100 ? 3 : each));
    const censored = simulate({ ...recording, traces: [{ ...trace, outcome }], rejected: 100 }, [five]);
    expect(censored.notKnown.join()).toContain('100 calls that were rejected');
    expect(simulationText(censored)).toContain('bounded');
  });

  it('marks figures as assumed where the record does not name processes', () => {
    const dealt = simulate({ ...recording, knowsProcesses: false }, [five], { processes: 4 });
    expect(dealt).toMatchObject({ processes: 4, assumedProcesses: true });
    expect(simulationText(dealt)).toMatch(/false openings.*assumed/);
  });

  it('replays a policy in Shadow as if it were enforced', () => {
    const shadow = simulate(recording, [{ name: 'shadow', spec: { ...five.spec, mode: 'Shadow' } }]);
    expect(shadow.policies[0]!.openings).toEqual(simulation.policies[0]!.openings);
  });

  it('cannot be made of no call', () => {
    expect(() => simulate({ ...recording, traces: [] }, [five])).toThrow('no call of "payments" was recorded');
  });

  it('becomes a page that loads nothing and hides no markup in names', () => {
    const page = simulationPage([simulate({ ...recording, breaker: '<b>&"' }, [five])]);
    expect(page).not.toMatch(/<b>|src=|href=|<script|@import|url\(/);
    expect(page.match(/<svg /g)).toHaveLength(2);
  });
});

describe('an expectation', () => {
  it.each([
    ['detection<=10s', true],
    ['detection<=500ms', false],
    ['falseOpenings<=0', true],
    ['spared>=95%', true],
    ['spared>=100%', false],
    ['blind<=99%', false],
  ])('%s: %s', (text, met) => {
    expect(check(parseExpectation(text), simulation)).toMatchObject({ text, met });
  });

  it('of incidents is not met where there was none', () => {
    const calm = simulate({ ...recording, traces: [made({ seconds: 600, rate: 5 }, 2)] }, [five]);
    expect(check(parseExpectation('detection<=10s'), calm)).toMatchObject({
      met: false,
      was: 'no incident in the record',
    });
  });

  it('of a policy that never opens is not met', () => {
    const alone = { ...simulation, policies: [simulation.policies[1]!] };
    expect(check(parseExpectation('detection<=10s'), alone)).toMatchObject({ met: false, was: 'never' });
  });

  it.each([
    ['detection<10s', 'is no expectation; write FIGURE<=VALUE'],
    ['luck>=1', 'with a FIGURE of falseOpenings'],
    ['detection<=soon', 'give a value such as 10s'],
    ['spared>=ten%', 'give a value such as 80%'],
  ])('%s is refused', (text, message) => {
    expect(() => parseExpectation(text)).toThrow(message);
  });
});
