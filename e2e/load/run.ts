import { join } from 'node:path';
import type { Request as BareRequest } from './bare-main.ts';
import type { Findings } from './budget.ts';
import { Child } from './child.ts';
import { Crowd, type GroupOptions } from './crowd.ts';
import type { Files } from './files.ts';
import { StartedOperator, type Target } from './operator.ts';
import type { LoadOptions } from './options.ts';
import {
  countingWrites,
  type Edits,
  quiet,
  restart,
  type Steady,
  type Storm,
  timeEdits,
  timeIdle,
  watchReports,
  written,
} from './phases.ts';
import { policiesOf, WATCHED } from './policies.ts';
import { least, minus, type Quantiles, quantiles } from './quantiles.ts';
import type { Reviews } from './reviews.ts';
import type { Secure } from './secure.ts';
import type { Store } from './store.ts';

/** Changes that come within this time are one push, so every edit waits so long. */
const COALESCE_MS = 100;

const WARM_UP_AGENTS = 200;

/**
 * What a run measured. Times in ms; those of edits are the least of each quantile over the edits, `all` is over all of
 * them.
 */
export interface Result extends Findings {
  readonly policies: number;
  readonly matched: number;
  readonly edits: number;
  readonly keptReportSockets: boolean;
  readonly openedMs: number;
  readonly applied: Quantiles;
  readonly appliedAll: Quantiles;
  readonly beyond: Quantiles;
  readonly waitedOnPurposeMs: { readonly coalescing: number; readonly settling: number };
  readonly noticedMs?: number;
  readonly bare: Quantiles;
  readonly bareAll: Quantiles;
  readonly bytesPerEdit: number;
  readonly bytesReceived: number;
  readonly heapBytesPerAgent?: number;
  readonly cpuMsPerAgentOpened?: number;
  readonly cpuMsPerEdit?: number;
  readonly steady?: Steady;
  readonly storm?: Storm;
  readonly sweep?: readonly SweepRow[];
  readonly secure?: Secure;
  readonly reviews?: Reviews;
}

/** One number of policies, and what an edit of one of them costs there. */
export interface SweepRow {
  readonly policies: number;
  /** Beyond what the operator uses in as long a time without an edit. Absent where it does not tell. */
  readonly cpuMs?: number;
  readonly applied: Quantiles;
  readonly bytesPerEdit: number;
}

export interface Ground {
  readonly store: Store;
  readonly target: Target;
}

/** Measures on an operator that has none of the run's policies yet. */
export async function run(
  options: LoadOptions & { readonly token?: string },
  files: Files,
  { store, target }: Ground,
  say: (line: string) => void,
): Promise<Result> {
  const { agents, policies, matched, edits, namespace, steadyMs, profile } = options;
  const own = target instanceof StartedOperator ? target : undefined;
  const profiled = <T>(phase: string, work: () => Promise<T>) =>
    own && profile !== undefined ? own.profiled(join(profile, `${phase}.cpuprofile`), work) : work();
  const crowd = new Crowd(options.processes);
  const bare = new Child<BareRequest>(new URL('./bare-main.ts', import.meta.url));
  try {
    await store.put(policiesOf(namespace, policies, matched));
    const report = files.keepReports ? 'keep' : 'close';
    const place = groupOf(options, target.url);
    // What a first agent brings about in the process, code that is compiled above all, is not the cost of an agent.
    await crowd.open({ ...place, agents: Math.min(agents, WARM_UP_AGENTS), group: 'agents', report });
    await quiet(crowd);
    await crowd.close('agents');
    await written(store);
    const before = await target.cost(true);
    const openedMs = await profiled('open', () => crowd.open({ ...place, group: 'agents', report }));
    const opened = await target.cost();
    say(`${agents} agents in sync after ${seconds(openedMs)}`);
    await quiet(crowd);
    await written(store);
    const connected = await target.cost(true);

    const port = await bare.ask<number>({ cmd: 'listen' });
    await crowd.open({ ...groupOf(options, `http://127.0.0.1:${port}`), group: 'bare' });
    const { result: seen, perSecond: statusWritesPerSecond } = await countingWrites(store, () =>
      profiled('edits', () => timeEdits({ crowd, bare, store, target }, edits)),
    );
    await crowd.close('bare');
    await bare.end();
    say(`${edits} edits applied by all`);

    const steady = steadyMs > 0 ? await profiled('steady', () => watchReports(crowd, target, steadyMs)) : undefined;
    const { bytes: bytesReceived } = await crowd.traffic('agents');
    const storm = options.storm && own ? await restart(crowd, own) : undefined;
    if (storm) say(`in sync again ${seconds(storm.inSyncMs)} after a restart`);
    await crowd.close('agents');
    return {
      agents,
      policies,
      matched,
      edits,
      keptReportSockets: files.keepReports,
      openedMs,
      ...timesOf(seen, store.settleMs),
      bytesPerEdit: seen.bytes,
      bytesReceived,
      ...(before &&
        opened &&
        connected && {
          bytesPerAgent: (connected.rssBytes - before.rssBytes) / agents,
          heapBytesPerAgent: (connected.heapBytes - before.heapBytes) / agents,
          cpuMsPerAgentOpened: (opened.cpuMs - before.cpuMs) / agents,
        }),
      ...(seen.cpuMs.length > 0 && { cpuMsPerEdit: Math.min(...seen.cpuMs) }),
      ...(statusWritesPerSecond !== undefined && { statusWritesPerSecond }),
      ...(steady && { steady }),
      ...(storm && { storm }),
    };
  } finally {
    await Promise.all([crowd.end(), bare.end()]);
  }
}

/**
 * Measures what one edit costs among so many policies, of which as many as ever are for the agents. What the operator
 * does meanwhile is not the edit's: it continues for minutes to write the statuses of many policies that are new.
 */
export async function edited(
  options: LoadOptions,
  policies: number,
  { store, target }: Ground,
  profile?: string,
): Promise<SweepRow> {
  const crowd = new Crowd(1);
  try {
    await store.put(policiesOf(options.namespace, policies, Math.min(policies, options.matched)));
    await crowd.open({ ...groupOf(options, target.url), group: 'agents', report: 'keep' });
    await quiet(crowd);
    const work = () => timeEdits({ crowd, store, target }, options.edits);
    const seen = target instanceof StartedOperator ? await target.profiled(profile, work) : await work();
    const idle = await timeIdle(target, seen.tookMs);
    return {
      policies,
      ...(idle.length > 0 && { cpuMs: Math.min(...seen.cpuMs) - Math.min(...idle) }),
      applied: least(seen.applied.map(quantiles)),
      bytesPerEdit: seen.bytes,
    };
  } finally {
    await crowd.end();
  }
}

function timesOf({ applied, bare, noticed }: Edits, settleMs: number) {
  const best = least(applied.map(quantiles));
  return {
    applied: best,
    appliedAll: quantiles(applied.flat()),
    waitedOnPurposeMs: { coalescing: COALESCE_MS, settling: settleMs },
    beyond: minus(best, COALESCE_MS + settleMs),
    bare: least(bare.map(quantiles)),
    bareAll: quantiles(bare.flat()),
    ...(noticed.length > 0 && { noticedMs: Math.min(...noticed) }),
  };
}

export function groupOf(
  { agents, sources, namespace, token }: LoadOptions & { readonly token?: string },
  url: string,
): Omit<GroupOptions, 'group'> {
  const { hostname, host, port } = new URL(url);
  return {
    agents,
    place: {
      address: hostname,
      host,
      port: Number(port || 80),
      namespace,
      headers: token === undefined ? '' : `authorization: Bearer ${token}\r\n`,
    },
    sources: hostname.startsWith('127.') ? sources : 1,
    watched: WATCHED,
  };
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
