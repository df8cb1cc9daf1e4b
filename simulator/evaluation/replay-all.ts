import { Worker } from 'node:worker_threads';
import type { Trace } from '../src/calls/trace.ts';
import type { Spec } from '../src/replay/replay.ts';
import { scheduleOf } from '../src/replay/schedule.ts';
import type { ReplayDone, ReplayWork } from './replay-worker.ts';

export interface AllReplayed {
  /** How often each spec opened. */
  readonly openings: readonly number[];
  /** Processor time of all threads together. */
  readonly cpuSeconds: number;
}

type Numbers = Float64Array | Int32Array | Uint8Array;

/** A copy that threads share instead of each getting its own. */
function shared<T extends Numbers>(values: T): T {
  const copy = new (values.constructor as new (of: SharedArrayBuffer) => T)(new SharedArrayBuffer(values.byteLength));
  copy.set(values as never);
  return copy;
}

/** Replays all calls of a trace through every policy, on so many threads. Policies have no time limit. */
export async function replayAll(specs: readonly Spec[], trace: Trace, threads: number): Promise<AllReplayed> {
  const { steps, end, outcome } = scheduleOf(trace);
  const workerData: ReplayWork = {
    trace: {
      process: trace.process,
      start: shared(trace.start),
      duration: shared(trace.duration),
      outcome: shared(trace.outcome),
    },
    schedule: { steps: shared(steps), end: shared(end), outcome: shared(outcome) },
    specs,
    next: new Int32Array(new SharedArrayBuffer(4)),
  };
  const work = () =>
    new Promise<ReplayDone>((resolve, reject) => {
      const worker = new Worker(new URL('replay-worker.ts', import.meta.url), { workerData });
      worker.on('message', resolve).on('error', reject);
    });
  const done = await Promise.all(Array.from({ length: threads }, work));
  const openings = new Array<number>(specs.length);
  for (const each of done) for (const [spec, count] of each.openings) openings[spec] = count;
  return { openings, cpuSeconds: done.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) };
}
