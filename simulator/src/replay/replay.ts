import { ReplayBreaker, type ReplayPermit } from '@fuseboard/agent/testing';
import { parseDuration } from '@fuseboard/schema/duration';
import type { PolicySpec } from '@fuseboard/schema/types';
import { seededRandom } from '../calls/random.ts';
import { type Trace, UNKNOWN } from '../calls/trace.ts';
import { type Schedule, scheduleOf } from './schedule.ts';

/** The spec of a policy, without `breakers` and `selector`. */
export type Spec = Partial<PolicySpec>;

/** A state change in a replay. */
export interface Transition {
  readonly from: 'closed' | 'open' | 'half-open';
  readonly to: 'closed' | 'open' | 'half-open';
  /** Milliseconds of the record. */
  readonly at: number;
  readonly reason: string;
}

/** The replay of one process's breaker. */
export interface Replay {
  readonly trace: Trace;
  readonly transitions: readonly Transition[];
  /** 1 for each rejected call. */
  readonly rejected: Uint8Array;
}

/** A gate that permits or rejects recorded calls. */
export interface Gate {
  /** Requests a permit for a call. @returns the permit for the end of the call, or null for a rejection. */
  enter(at: number, used?: unknown): unknown;
  settle(permit: unknown, outcome: 'success' | 'failure' | 'ignored', at: number): void;
}

const OUTCOMES = ['success', 'failure', 'ignored', 'ignored'] as const;

/** The time limit of a spec for a call, in milliseconds; 0 when none can be replayed. */
export function timeoutOf({ timeout }: Spec): number {
  return timeout?.duration === undefined ? 0 : (parseDuration(timeout.duration) ?? 0);
}

/**
 * Replays the calls of one process through a breaker of the agent's own core. Mode Shadow is replayed like Enforce.
 *
 * @param schedule the order of calls under the spec's time limit. Absent: computed here.
 * @throws {ConfigError} when the spec is invalid.
 */
export function replay(spec: Spec, trace: Trace, schedule = scheduleOf(trace, timeoutOf(spec)), seed = 1): Replay {
  const transitions: Transition[] = [];
  const breaker = new ReplayBreaker(spec.mode === 'Shadow' ? { ...spec, mode: 'Enforce' } : spec, {
    startAt: trace.start[0] ?? 0,
    random: seededRandom(seed),
    onTransition: ({ from, to, at, reason }) => void transitions.push({ from, to, at, reason }),
  });
  const gate: Gate = {
    enter: (at, used) => breaker.enter(at, used as ReplayPermit | undefined),
    settle: (permit, outcome, at) => breaker.settle(permit as ReplayPermit, outcome, at),
  };
  const rejected = pass(gate, trace, schedule);
  return { trace, transitions, rejected };
}

/**
 * Passes the calls of a trace through a gate; each call ends at its recorded end. A call with an unknown outcome is
 * ignored.
 *
 * @returns 1 for each rejected call.
 */
export function pass(gate: Gate, { start, outcome: recorded }: Trace, { steps, end, outcome }: Schedule): Uint8Array {
  const rejected = new Uint8Array(start.length);
  const permits = new Array<unknown>(start.length);
  const used: unknown[] = [];
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]!;
    if (step >= 0) {
      if (recorded[step] === UNKNOWN) continue;
      const spare = used.pop();
      const permit = gate.enter(start[step]!, spare);
      if (permit !== null) permits[step] = permit;
      else {
        rejected[step] = 1;
        if (spare !== undefined) used.push(spare);
      }
    } else {
      const call = ~step;
      const permit = permits[call];
      if (permit === undefined) continue;
      permits[call] = undefined;
      gate.settle(permit, OUTCOMES[outcome[call]!]!, end[call]!);
      used.push(permit);
    }
  }
  return rejected;
}
