import { describe, expect, it } from '@jest/globals';
import { type Findings, missed, unmeasured } from './budget.ts';
import { readOptions } from './options.ts';

const times = (p50: number, p99: number) => ({ count: 10, p50, p99, max: p99 });

const WELL: Findings = {
  agents: 10_000,
  beyond: times(100, 140),
  bare: times(90, 100),
  bytesPerAgent: 40_000,
  storm: { inSyncMs: 20_000, policies: 0 },
  statusWritesPerSecond: 3,
  secure: { agents: 10_000, bytesPerAgent: 90_000 },
  sweep: [
    { policies: 10, cpuMs: 8 },
    { policies: 10_000, cpuMs: 20 },
  ],
};

describe('the budgets', () => {
  it('are all met by a run that is within them', () => {
    expect(missed(WELL)).toEqual([]);
    expect(unmeasured(WELL, readOptions(['--agents', '10000', '--cluster', '--sweep', '10,10000']))).toEqual([]);
  });

  it.each<[string, Partial<Findings>]>([
    ['apply to applied, p50: 51 ms; the budget is 50 ms', { agents: 1_000, beyond: times(51, 60) }],
    ['apply to applied, p99: 251 ms; the budget is 250 ms', { agents: 1_000, beyond: times(5, 251) }],
    ['apply to applied, p99: 1001 ms; the budget is 1000 ms', { beyond: times(5, 1_001), bare: times(5, 900) }],
    ['apply to applied against a bare broadcast, p99: 1.6 times; the budget is 1.5 times', { beyond: times(5, 160) }],
    ['memory of a connected agent: 51 kB; the budget is 50 kB', { bytesPerAgent: 51_000 }],
    [
      'time until all are in sync after a restart: 31 s; the budget is 30 s',
      { storm: { inSyncMs: 31_000, policies: 0 } },
    ],
    [
      'policies sent although nothing changed: 1 policies; the budget is 0 policies',
      { storm: { inSyncMs: 1, policies: 1 } },
    ],
    [
      'memory of an agent over TLS: 111 kB; the budget is 110 kB',
      { secure: { agents: 1_000, bytesPerAgent: 111_000 } },
    ],
    ['writes of status: 21 a second; the budget is 20 a second', { statusWritesPerSecond: 21 }],
    [
      'cost of one edit among 10000 policies: 27 ms of CPU; the budget is 26 ms of CPU',
      {
        sweep: [
          { policies: 10, cpuMs: 8 },
          { policies: 10_000, cpuMs: 27 },
        ],
      },
    ],
  ])('name %s', (problem, worse) => {
    expect(missed({ ...WELL, ...worse })).toEqual([problem]);
  });

  it('take a figure that could not be computed for a miss', () => {
    expect(missed({ agents: 5, beyond: times(Number.NaN, Number.NaN) })).toHaveLength(2);
  });

  it.each<[string, readonly string[], keyof Findings]>([
    ['apply to applied: was not measured', [], 'beyond'],
    ['a bare broadcast: was not measured', ['--agents', '10000'], 'bare'],
    ['memory of a connected agent: was not measured', [], 'bytesPerAgent'],
    ['memory of an agent over TLS: was not measured', [], 'secure'],
    ['time until all are in sync after a restart: was not measured', [], 'storm'],
    ['writes of status: was not measured', ['--cluster'], 'statusWritesPerSecond'],
    ['cost of one edit: was not measured', ['--sweep', '10,1000'], 'sweep'],
  ])('name %s', (problem, args, absent) => {
    const found = { ...WELL, [absent]: undefined };
    expect(unmeasured(found, readOptions(args))).toEqual([expect.stringContaining(problem)]);
    expect(missed(found)).toEqual([]);
  });

  it('leave out what an option leaves out', () => {
    const options = readOptions(['--agents', '5', '--no-storm', '--no-tls']);
    expect(unmeasured({ agents: 5, beyond: times(5, 5) }, options)).toEqual([]);
  });
});
