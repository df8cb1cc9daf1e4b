import type { Quantiles } from './quantiles.ts';
import type { Result } from './run.ts';

export interface Machine {
  readonly cores: number;
  readonly node: string;
  /** How many processes wanted to run before the run began. */
  readonly loadBefore: number;
}

/** The figures of a run for people. */
export function table(result: Result, { cores, node, loadBefore }: Machine): string {
  const { beyond, bare, applied, appliedAll, waitedOnPurposeMs: waited, steady, storm, sweep } = result;
  const rows: [string, string][] = [
    ['machine', `${cores} cores, Node ${node}, load ${n(loadBefore)} before the run`],
    ['agents, policies (for the agents)', `${result.agents}, ${result.policies} (${result.matched})`],
    ['open all', `${n(result.openedMs / 1_000)} s`],
    ['apply to applied, all edits', times(appliedAll)],
    ['  the least over the edits', times(applied)],
    ['  of it waited on purpose', `coalescing ${waited.coalescing} ms, settling ${waited.settling} ms`],
    ['  overhead', times(beyond)],
    ['bare broadcast of the same bytes', times(bare)],
    [
      '  overhead, ratio to bare',
      `p50 ${n(beyond.p50 / bare.p50)}, p99 ${n(beyond.p99 / bare.p99)}, max ${n(beyond.max / bare.max)}`,
    ],
    ['bytes an agent and edit', n(result.bytesPerEdit)],
  ];
  const add = (name: string, value: number | undefined, unit: string) => {
    if (value !== undefined) rows.push([name, `${n(value)} ${unit}`]);
  };
  add('from edit to distribution', result.noticedMs, 'ms');
  add('memory of an agent', result.bytesPerAgent && result.bytesPerAgent / 1_000, 'kB');
  add('  of it heap', result.heapBytesPerAgent && result.heapBytesPerAgent / 1_000, 'kB');
  add('CPU to open an agent', result.cpuMsPerAgentOpened, 'ms');
  add('CPU of an edit, with acknowledgements', result.cpuMsPerEdit, 'ms');
  add('reports', steady?.reportsPerSecond, 'a second');
  add('  that failed', steady?.failed, '');
  add('  CPU of 1000', steady?.cpuMsPer1000Reports, 'ms');
  if (storm) {
    rows.push([
      'after a restart all in sync',
      `${n(storm.inSyncMs / 1_000)} s, half of them ${n(storm.p50Ms / 1_000)} s`,
    ]);
    rows.push(['  refused, policies sent', `${storm.refused}, ${storm.policies}`]);
    add('  bytes an agent', storm.bytesPerAgent, '');
    add('  CPU', storm.cpuMs, 'ms');
  }
  add('writes of status, the most', result.statusWritesPerSecond, 'a second');
  for (const row of sweep ?? []) {
    rows.push([
      `one edit among ${row.policies} policies`,
      `${row.cpuMs === undefined ? '' : `CPU ${n(row.cpuMs)} ms, `}p50 ${n(row.applied.p50)} ms, ${row.bytesPerEdit} bytes`,
    ]);
  }
  const { secure, reviews } = result;
  if (secure) {
    const { agents, bytesPerAgent, cpuMsPerAgentOpened, openedMs } = secure;
    rows.push([
      'an agent over TLS',
      `${n(bytesPerAgent / 1_000)} kB, CPU ${n(cpuMsPerAgentOpened)} ms; ${agents} open after ${n(openedMs / 1_000)} s`,
    ]);
  }
  if (reviews) {
    const { agents, tokens, openedMs, reportsPerSecond, failed, reviewsPerSecond } = reviews;
    rows.push([
      'agents with tokens',
      `${agents} with ${tokens} tokens, open after ${n(openedMs / 1_000)} s; ${n(reportsPerSecond)} reports and ${n(reviewsPerSecond)} reviews a second, ${failed} failed`,
    ]);
    add('  CPU of 1000 reports, with reviews', reviews.cpuMsPer1000Reports, 'ms');
    add('  CPU of the API server, 1000 reviews', reviews.apiServerCpuMsPer1000Reviews, 'ms');
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

const n = (value: number) => String(Math.round(value * 100) / 100);

const times = ({ p50, p99, max }: Quantiles) => `p50 ${n(p50)}, p99 ${n(p99)}, max ${n(max)} ms`;
