import { between, type Trace } from '../src/calls/trace.ts';
import { type Gate, pass, replay, type Spec, type Transition } from '../src/replay/replay.ts';
import { scheduleOf } from '../src/replay/schedule.ts';
import { type Done, type EdgeScore, score } from './score.ts';
import type { Edge } from './series.ts';

/** Something whose openings are compared. */
export interface Contestant {
  readonly name: string;
  /** @param before what was recorded so far. */
  readonly policy: (before: Trace) => Spec;
  /** Whether it looks at what came before; if not, it is asked once. */
  readonly learns?: true;
  /** Replaces the agent's breaker. */
  readonly gate?: (before: Trace) => Gate & { readonly transitions?: readonly Transition[] };
  /** Opens at the first moment of each incident and closes at its last: what nobody can do better. */
  readonly knows?: true;
}

/** So many calls before an incident are enough to learn from. */
export const ENOUGH_CALLS = 100;
const LEARN_AT_CALLS = [100, 300, 1_000, 3_000, 10_000, 30_000];
const WARM_UP_MS = 600_000;
const QUIET_MS = 30_000;

/**
 * Runs a contestant over an edge. What learns is asked again and again, with the calls that
 * had ended by then, so that nothing is judged by a policy that has seen it.
 */
export function walk(edge: Edge, contestant: Contestant): EdgeScore {
  const { trace, incidents } = edge;
  const learned = incidents.map(
    ({ start }) => between(trace, Number.NEGATIVE_INFINITY, start).start.length >= ENOUGH_CALLS,
  );
  const done = contestant.knows
    ? known(edge)
    : contestant.learns
      ? learnt(edge, contestant)
      : play(trace, trace, contestant);
  return score(edge, done, learned);
}

function play(before: Trace, trace: Trace, { policy, gate }: Contestant): Done {
  if (gate === undefined) return replay(policy(before), trace);
  const made = gate(before);
  const rejected = pass(made, trace, scheduleOf(trace));
  return { rejected, transitions: made.transitions ?? firstRejections(trace, rejected) };
}

function known({ trace, incidents }: Edge): Done {
  const inside = (at: number) => incidents.some(({ start, end }) => at >= start && at <= end);
  return {
    rejected: Uint8Array.from(trace.start, (at) => (inside(at) ? 1 : 0)),
    transitions: incidents.flatMap(({ start, end }): Transition[] => [
      { from: 'closed', to: 'open', at: start, reason: 'known' },
      { from: 'open', to: 'closed', at: end, reason: 'known' },
    ]),
  };
}

/** When a contestant learns: at these numbers of calls, shortly before each incident, and when it is over. */
function relearnings({ trace, incidents }: Edge): number[] {
  const counts = LEARN_AT_CALLS.flatMap((calls) => (calls < trace.start.length ? [trace.start[calls]!] : []));
  const begins = incidents.map(({ start }) => start);
  const during = (at: number) => incidents.some(({ start, end }) => at > start && at < end);
  const borders = [...counts, ...begins, ...incidents.map(({ end }) => end)].filter((at) => !during(at));
  return [Number.NEGATIVE_INFINITY, ...new Set(borders.sort((a, b) => a - b))];
}

function learnt(edge: Edge, contestant: Contestant): Done {
  const { trace } = edge;
  const rejected = new Uint8Array(trace.start.length);
  const transitions: Transition[] = [];
  const borders = relearnings(edge);
  borders.forEach((from, at) => {
    const to = borders[at + 1] ?? Number.POSITIVE_INFINITY;
    const before = between(trace, Number.NEGATIVE_INFINITY, from);
    const part = between(trace, from - WARM_UP_MS, to);
    const done = play(endedBefore(before, from), part, contestant);
    const skipped = between(part, Number.NEGATIVE_INFINITY, from).start.length;
    rejected.set(done.rejected.subarray(skipped), before.start.length);
    transitions.push(...done.transitions.filter((each) => each.at >= from && each.at < to));
  });
  return { rejected, transitions };
}

/** Nobody knows yet how a call ends that is under way. */
export function endedBefore(trace: Trace, at: number): Trace {
  const isOver = (_: number, i: number) => trace.start[i]! + trace.duration[i]! <= at;
  return {
    process: trace.process,
    start: trace.start.filter(isOver),
    duration: trace.duration.filter(isOver),
    outcome: trace.outcome.filter(isOver),
  };
}

/** A gate without states is taken to open where it rejects a call after half a minute without one. */
function firstRejections({ start }: Trace, rejected: Uint8Array): Transition[] {
  const found: Transition[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rejected.length; i++) {
    if (rejected[i] !== 1) continue;
    const at = start[i]!;
    if (at - last > QUIET_MS) {
      if (found.length > 0) found.push({ from: 'open', to: 'closed', at: last, reason: 'quiet' });
      found.push({ from: 'closed', to: 'open', at, reason: 'rejected' });
    }
    last = at;
  }
  return found;
}
