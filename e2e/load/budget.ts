import type { LoadOptions } from './options.ts';
import type { Quantiles } from './quantiles.ts';

/** What a run found out; what was not measured is absent. Times in ms. */
export interface Findings {
  readonly agents: number;
  /** From the edit to its being in force, by the agents' own clocks, less what the operator waits on purpose. */
  readonly beyond?: Quantiles;
  /** The same for a bare broadcast of the same bytes to as many. */
  readonly bare?: Quantiles;
  readonly bytesPerAgent?: number;
  readonly storm?: { readonly inSyncMs: number; readonly policies: number };
  readonly statusWritesPerSecond?: number;
  readonly sweep?: readonly { readonly policies: number; readonly cpuMs?: number }[];
  readonly secure?: { readonly agents: number; readonly bytesPerAgent: number };
}

const MANY = 1_000;
const REGISTER_MS = 10;

/**
 * The budgets that a run was asked to check and has no figure for, each as a sentence that says how to leave it out.
 * What an option leaves out is no budget of the run.
 */
export function unmeasured(
  found: Findings,
  { agents, storm, tls, sweep, where }: Pick<LoadOptions, 'agents' | 'storm' | 'tls' | 'sweep' | 'where'>,
): string[] {
  const costs = found.sweep?.filter(({ cpuMs }) => cpuMs !== undefined) ?? [];
  const expected: [applies: boolean, measured: boolean, what: string, advice: string][] = [
    [true, found.beyond !== undefined, 'apply to applied', 'see the log of the operator'],
    [agents > MANY, found.bare !== undefined, 'a bare broadcast', 'see the log of the operator'],
    [agents >= MANY, found.bytesPerAgent !== undefined, 'memory of a connected agent', 'give --metrics with --target'],
    [agents >= MANY && tls, found.secure !== undefined, 'memory of an agent over TLS', 'or give --no-tls'],
    [storm, found.storm !== undefined, 'time until all are in sync after a restart', 'give --no-storm with --target'],
    [where.kind === 'cluster', found.statusWritesPerSecond !== undefined, 'writes of status', 'or leave out --cluster'],
    [sweep.length > 1, costs.length === sweep.length, 'cost of one edit', 'or leave out --sweep'],
  ];
  return expected
    .filter(([applies, measured]) => applies && !measured)
    .map(([, , what, advice]) => `${what}: was not measured; ${advice}`);
}

/** The budgets that a run misses, each as a sentence with what is asked and what was found. */
export function missed(found: Findings): string[] {
  const { agents, beyond, bare, bytesPerAgent, storm, statusWritesPerSecond, sweep, secure } = found;
  const problems: string[] = [];
  const most = (what: string, value: number, limit: number, unit: string) => {
    if (!(value <= limit)) problems.push(`${what}: ${round(value)} ${unit}; the budget is ${round(limit)} ${unit}`);
  };
  if (beyond && agents <= MANY) {
    most('apply to applied, p50', beyond.p50, 50, 'ms');
    most('apply to applied, p99', beyond.p99, 250, 'ms');
  } else if (beyond) {
    most('apply to applied, p99', beyond.p99, 1_000, 'ms');
    if (bare) most('apply to applied against a bare broadcast, p99', beyond.p99 / bare.p99, 1.5, 'times');
  }
  // Among few agents, what the process needs anyhow would be taken for theirs.
  if (bytesPerAgent !== undefined && agents >= MANY)
    most('memory of a connected agent', bytesPerAgent / 1_000, 50, 'kB');
  if (secure && secure.agents >= MANY) {
    most('memory of an agent over TLS', secure.bytesPerAgent / 1_000, 110, 'kB');
  }
  if (storm) {
    most('time until all are in sync after a restart', storm.inSyncMs / 1_000, 30, 's');
    most('policies sent although nothing changed', storm.policies, 0, 'policies');
  }
  if (statusWritesPerSecond !== undefined) most('writes of status', statusWritesPerSecond, 20, 'a second');
  const [fewest, greatest] = [sweep?.at(0), sweep?.at(-1)];
  if (fewest?.cpuMs !== undefined && greatest?.cpuMs !== undefined && greatest !== fewest) {
    const limit = 2 * fewest.cpuMs + REGISTER_MS;
    most(`cost of one edit among ${greatest.policies} policies`, greatest.cpuMs, limit, 'ms of CPU');
  }
  return problems;
}

const round = (value: number) => Math.round(value * 100) / 100;
