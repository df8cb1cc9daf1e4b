import { setTimeout as sleep } from 'node:timers/promises';
import type { Request as BareRequest } from './bare-main.ts';
import type { Child } from './child.ts';
import type { Crowd } from './crowd.ts';
import { monotonic } from './monotonic.ts';
import type { StartedOperator, Target } from './operator.ts';
import type { Store } from './store.ts';

/** Acknowledgements are waited for, but not for ever: on a machine that is too slow there is always one more. */
const QUIET_MS = 30_000;
/** The operator works statuses out at most every 200 ms; what an edit costs includes it. */
const AFTERMATH_MS = 300;
const SAMPLE_MS = 1_000;
/** Of many policies that are new, statuses are written for minutes. */
const WRITTEN_MS = 30_000;

/** What was seen of each edit. */
export interface Edits {
  /** From the edit to its being in force, for each agent, in ms. */
  readonly applied: readonly (readonly number[])[];
  /** From the first write of a bare broadcast of the same bytes to its being read, in ms. */
  readonly bare: readonly (readonly number[])[];
  /** From the edit until the operator began to distribute it, in ms. Empty where it does not tell. */
  readonly noticed: readonly number[];
  /** The CPU that the operator used for the edit and all that followed from it. Empty where it does not tell. */
  readonly cpuMs: readonly number[];
  /** How long each edit was followed, in ms. */
  readonly tookMs: readonly number[];
  /** What one agent got for one edit. */
  readonly bytes: number;
}

/** Edits the watched policy again and again, from the edit with number `first` on. */
export async function timeEdits(
  { crowd, bare, store, target }: { crowd: Crowd; bare?: Child<BareRequest>; store: Store; target: Target },
  count: number,
  first = 2,
): Promise<Edits> {
  const seen = {
    applied: [] as number[][],
    bare: [] as number[][],
    noticed: [] as number[],
    cpuMs: [] as number[],
    tookMs: [] as number[],
  };
  let bytes = 0;
  for (let edit = first; edit < first + count; edit += 1) {
    await written(store);
    const { result, cpuMs, tookMs } = await metered(target, async () => {
      const [wall, clock] = [Date.now(), monotonic()];
      const begun = await store.edit(edit);
      const { times, raw } = await crowd.applied('agents', edit);
      seen.applied.push(times.map((at) => at - begun));
      if (target.distributedAt !== undefined) seen.noticed.push(target.distributedAt - wall - (begun - clock));
      await quiet(crowd);
      await sleep(AFTERMATH_MS);
      return raw;
    });
    bytes = result.length;
    seen.tookMs.push(tookMs);
    if (cpuMs !== undefined) seen.cpuMs.push(cpuMs);
    if (bare === undefined) continue;
    const broadcast = await bare.ask<number>({ cmd: 'broadcast', text: result });
    seen.bare.push((await crowd.applied('bare', edit)).times.map((at) => at - broadcast));
  }
  return { ...seen, bytes };
}

/**
 * The CPU that the operator uses in each of these times, given in ms, without an edit. Empty where it does not tell.
 */
export async function timeIdle(target: Target, times: readonly number[]): Promise<number[]> {
  const seen: number[] = [];
  for (const ms of times) {
    const { cpuMs } = await metered(target, () => sleep(ms));
    if (cpuMs !== undefined) seen.push(cpuMs);
  }
  return seen;
}

/**
 * Does something, and says how long it took and what CPU the operator used meanwhile, in ms; none where it does not
 * tell.
 */
async function metered<T>(target: Target, work: () => Promise<T>) {
  const [before, begun] = [await target.cost(), monotonic()];
  const result = await work();
  const [after, tookMs] = [await target.cost(), monotonic() - begun];
  return { result, tookMs, cpuMs: before && after && after.cpuMs - before.cpuMs };
}

/** What reports cost while nothing else happens. */
export interface Steady {
  readonly reportsPerSecond: number;
  readonly failed: number;
  /** Of one core. */
  readonly cpuShare?: number;
  readonly cpuMsPer1000Reports?: number;
}

export async function watchReports(crowd: Crowd, target: Target, ms: number): Promise<Steady> {
  const before = await crowd.traffic('agents');
  const { cpuMs, tookMs } = await metered(target, () => sleep(ms));
  const after = await crowd.traffic('agents');
  const reports = after.reports - before.reports;
  return {
    reportsPerSecond: (reports / tookMs) * 1_000,
    failed: after.reportsFailed - before.reportsFailed,
    ...(cpuMs !== undefined && reports > 0 && { cpuMsPer1000Reports: (cpuMs / reports) * 1_000 }),
    ...(cpuMs !== undefined && { cpuShare: cpuMs / tookMs }),
  };
}

/** What happened when the operator was killed and started again. */
export interface Storm {
  /** From ready until the last agent was in sync. */
  readonly inSyncMs: number;
  readonly p50Ms: number;
  readonly policies: number;
  readonly bytesPerAgent: number;
  readonly refused: number;
  /** What the operator used until all were in sync. */
  readonly cpuMs: number;
}

export async function restart(crowd: Crowd, operator: StartedOperator): Promise<Storm> {
  const before = await crowd.traffic('agents');
  const killed = monotonic();
  await operator.kill();
  operator.launch();
  const ready = await operator.ready();
  const { cpuMs } = await operator.cost();
  const times = (await crowd.back('agents', killed)).sort((a, b) => a - b);
  const [after, cost] = [await crowd.traffic('agents'), await operator.cost()];
  return {
    inSyncMs: times.at(-1)! - ready,
    p50Ms: times[Math.floor(times.length / 2)]! - ready,
    policies: after.policies - before.policies,
    bytesPerAgent: (after.bytes - before.bytes) / times.length,
    refused: after.refused - before.refused,
    cpuMs: cost.cpuMs - cpuMs,
  };
}

/** Counts writes of status while `work` runs: the most in a second. Absent where the store does not tell. */
export async function countingWrites<T>(
  store: Store,
  work: () => Promise<T>,
): Promise<{ result: T; perSecond?: number }> {
  if (store.statusWrites === undefined) return { result: await work() };
  let most = 0;
  let [writes, at] = [await store.statusWrites(), monotonic()];
  const over = new AbortController();
  const counting = (async () => {
    while (!over.signal.aborted) {
      await sleep(SAMPLE_MS, undefined, { signal: over.signal }).catch(() => {});
      const [now, nowAt] = [await store.statusWrites!(), monotonic()];
      most = Math.max(most, ((now - writes) / Math.max(SAMPLE_MS, nowAt - at)) * 1_000);
      [writes, at] = [now, nowAt];
    }
  })();
  const result = await work();
  over.abort();
  await counting;
  return { result, perSecond: most };
}

/**
 * Until no status was written for a second: a write is news to the operator, and an edit that comes upon some waits
 * only for the rest of the time in which changes are gathered.
 */
export async function written(store: Store): Promise<void> {
  if (store.statusWrites === undefined) return;
  const begun = monotonic();
  for (let [before, now] = [-1, await store.statusWrites()]; now !== before && monotonic() - begun < WRITTEN_MS; ) {
    await sleep(SAMPLE_MS);
    [before, now] = [now, await store.statusWrites()];
  }
}

export async function quiet(crowd: Crowd): Promise<void> {
  const over = new AbortController();
  await Promise.race([crowd.quiet('agents'), sleep(QUIET_MS, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
}
