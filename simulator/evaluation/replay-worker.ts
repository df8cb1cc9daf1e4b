import { parentPort, workerData } from 'node:worker_threads';
import type { Trace } from '../src/calls/trace.ts';
import { replay, type Spec } from '../src/replay/replay.ts';
import type { Schedule } from '../src/replay/schedule.ts';

/** What the replay threads share. */
export interface ReplayWork {
  readonly trace: Trace;
  readonly schedule: Schedule;
  readonly specs: readonly Spec[];
  /** The index of the next spec, which each thread raises when it takes one. */
  readonly next: Int32Array;
}

/** How often each spec opened, by its index, and how long the thread worked on it. */
export interface ReplayDone {
  readonly openings: readonly (readonly [spec: number, openings: number])[];
  readonly cpuSeconds: number;
}

const { trace, schedule, specs, next } = workerData as ReplayWork;
const before = process.threadCpuUsage();
const openings: [number, number][] = [];
for (let spec = Atomics.add(next, 0, 1); spec < specs.length; spec = Atomics.add(next, 0, 1)) {
  const { transitions } = replay(specs[spec]!, trace, schedule);
  openings.push([spec, transitions.filter(({ from, to }) => from === 'closed' && to === 'open').length]);
}
const { user, system } = process.threadCpuUsage(before);
parentPort!.postMessage({ openings, cpuSeconds: (user + system) / 1e6 } satisfies ReplayDone);
