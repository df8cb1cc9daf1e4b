import type { Trace } from '../calls/trace.ts';
import { replay, type Spec, timeoutOf } from '../replay/replay.ts';
import { scheduleOf } from '../replay/schedule.ts';
import { median } from '../statistics/limits.ts';
import { FAILURES, FAULT_MS, inject, SLOW_DOWNS } from './injection.ts';

/** The reaction of a policy to one kind of injected fault. */
export interface Detection {
  readonly fault: string;
  readonly places: number;
  /** Number of faults during which the circuit opened. */
  readonly found: number;
  /** The median time until the opening, over these faults. */
  readonly delayMs: number | undefined;
  /** The share of fault calls that were let through, 0 to 1. */
  readonly missed: number;
}

const PLACES = 20;

/** Injects each kind of fault into calm calls, two minutes each at random places, and replays a policy over them. */
export function detection(spec: Spec, calm: readonly Trace[], places = PLACES): Detection[] {
  return [...FAILURES, ...SLOW_DOWNS].flatMap((fault, seed) => {
    const injected = inject(calm, fault, places, seed + 1);
    if (injected.length === 0) return [];
    const delays: number[] = [];
    let missed = 0;
    for (const { trace, from } of injected) {
      const { rejected, transitions } = replay(spec, trace, scheduleOf(trace, timeoutOf(spec)));
      const opened = transitions.find(({ to, at }) => to === 'open' && at >= from && at <= from + FAULT_MS);
      if (opened !== undefined) delays.push(opened.at - from);
      let [calls, passed] = [0, 0];
      rejected.forEach((each, i) => {
        if (trace.start[i]! < from) return;
        calls++;
        passed += 1 - each;
      });
      missed += passed / calls;
    }
    return [
      {
        fault: fault.name,
        places: injected.length,
        found: delays.length,
        delayMs: median(delays),
        missed: missed / injected.length,
      },
    ];
  });
}

/** The share of fault calls that a policy lets through, over all kinds of faults. */
export function meanMissed(found: readonly Detection[]): number {
  return found.length === 0 ? 1 : found.reduce((sum, { missed }) => sum + missed, 0) / found.length;
}
