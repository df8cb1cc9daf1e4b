import { ReplayBreaker, type ReplayPermit } from '@fuseboard/agent/testing';
import { parseDuration } from '@fuseboard/schema/duration';
import type { PolicySpec } from '@fuseboard/schema/types';
import { seededRandom } from '../calls/random.ts';
import { type Trace, UNKNOWN } from '../calls/trace.ts';
import { type Schedule, scheduleOf } from './schedule.ts';

/** The spec of a policy, without the names that it is for. */
export type Spec = Partial<PolicySpec>;

/** A change of state in a replay. */
export interface Transition {
  readonly from: 'closed' | 'open' | 'half-open';
  readonly to: 'closed' | 'open' | 'half-open';
  /** Milliseconds of the record. */
  readonly at: number;
  readonly reason: string;
}

/** What one process' breaker did. */
export interface Replay {
  readonly trace: Trace;
  readonly transitions: readonly Transition[];
  /** 1 for each call that was rejected. */
  readonly rejected: Uint8Array;
}

/** Something that lets recorded calls pass or not. */
export interface Gate {
  /** A call begins. @returns what to give back at its end, or null when it is rejected. */
  enter(at: number, used?: unknown): unknown;
  settle(permit: unknown, outcome: 'success' | 'failure' | 'ignored', at: number): void;
}

const OUTCOMES = ['success', 'failure', 'ignored', 'ignored'] as const;

/** The time limit that a spec sets for a call, in milliseconds; 0: none that can be replayed. */
export function timeoutOf({ timeout }: Spec): number {
  return timeout?.duration === undefined ? 0 : (parseDuration(timeout.duration) ?? 0);
}

/**
 * Replays the calls of one process through a breaker of the agent's own core. Shadow is replayed as if it were
 * enforced.
 *
 * @param schedule the order of calls under the spec's time limit. Absent: made here.
 * @throws {ConfigError} when the spec cannot be used.
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
 * Sends the calls of a trace through a gate, each fed in at its recorded end. A call whose outcome nobody knows is
 * ignored.
 *
 * @returns 1 for each call that was rejected.
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
