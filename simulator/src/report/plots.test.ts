import { describe, expect, it } from '@jest/globals';
import { made } from '../../test/generator.ts';
import { LIBRARY_DEFAULTS } from '../replay/library-defaults.ts';
import { simulate } from '../simulate/simulate.ts';
import { frontierSvg, timelineSvg } from './plots.ts';

const HOUR = { seconds: 3_600, rate: 2, failing: 0.01 };
const policies = Object.entries(LIBRARY_DEFAULTS).map(([name, { spec }]) => ({ name, spec }));

function simulated(traffic: Parameters<typeof made>[0]) {
  const trace = made(traffic, 1);
  const known = { knowsProcesses: true, keys: [], failures: 0, rejected: 0, withoutDuration: 0 };
  return simulate({ breaker: 'a<b', ...known, traces: [trace], calls: trace.start.length }, policies);
}

/** The paths of a class, each with its drawing. */
const paths = (svg: string, kind: string) => [...svg.matchAll(RegExp(`class="${kind}"[^>]* d="([^"]*)"`, 'g'))];

describe('the time line', () => {
  it('shows calls that are slow without failing', () => {
    const shown = (traffic: Parameters<typeof made>[0]) =>
      paths(timelineSvg(simulated(traffic)), 'slow')[0]![1]!.length;
    expect(shown({ ...HOUR, slow: [2_400, 2_580] })).toBeGreaterThan(shown({ ...HOUR, seconds: 60 }));
  });

  it('stays small, however many calls and openings there are', () => {
    const simulation = simulated(HOUR);
    const { from, to } = simulation;
    const full = Array.from({ length: 240 }, (_, i) => 1 + (i % 7));
    const worst = {
      ...simulation,
      load: { ...simulation.load, calls: full, failures: full, slow: full },
      policies: simulation.policies.map((policy) => ({
        ...policy,
        lane: { open: full.map((value) => value / 7) },
        openings: Array.from({ length: 20_000 }, (_, i) => ({
          process: '',
          at: from + ((to - from) * i) / 20_000,
          reason: 'failure-rate',
        })),
      })),
    };
    expect(timelineSvg(worst).length).toBeLessThan(150_000);
  });

  it('shows where policies were learned and what was left out', () => {
    const simulation = simulated(HOUR);
    expect(timelineSvg(simulation)).not.toMatch(/pauses left out|suggested from the calls/);
    const middle = (simulation.from + simulation.to) / 2;
    const svg = timelineSvg(simulation, { learnedUntil: middle, cuts: [middle] });
    expect(svg).toMatch(/pauses left out/);
    expect(svg).toMatch(/suggested from the calls left of this line/);
  });
});

describe('the frontier', () => {
  it('says where nothing could be spared', () => {
    expect(frontierSvg(simulated({ ...HOUR, failing: 0 }))).toContain('nothing could be spared');
    expect(frontierSvg(simulated({ ...HOUR, outage: [900, 1_020] }))).not.toContain('nothing could be spared');
  });

  it('keeps its labels apart and inside of the picture', () => {
    for (const traffic of [HOUR, { ...HOUR, outage: [900, 1_020] as const }]) {
      const svg = frontierSvg(simulated(traffic));
      const height = Number(/viewBox="0 0 900 (\d+)"/.exec(svg)![1]);
      const labels = policies.map(({ name }) => Number(RegExp(`y="([\\d.]+)">${name}<`).exec(svg)![1]));
      labels.sort((a, b) => a - b);
      expect(labels.at(-1)).toBeLessThan(height - 20);
      expect(labels[0]).toBeGreaterThan(50);
      labels.slice(1).forEach((label, i) => {
        expect(label - labels[i]!).toBeGreaterThanOrEqual(15.9);
      });
    }
  });
});
