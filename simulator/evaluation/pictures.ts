import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BreakerRecording } from '../src/calls/recording.ts';
import { between, FAILURE, type Trace } from '../src/calls/trace.ts';
import type { Stretch } from '../src/calm/incidents.ts';
import { LIBRARY_DEFAULTS } from '../src/replay/library-defaults.ts';
import { replay, type Spec } from '../src/replay/replay.ts';
import { frontierSvg, timelineSvg } from '../src/report/plots.ts';
import { type SimulateOptions, type Simulation, simulate } from '../src/simulate/simulate.ts';
import { lane, load } from '../src/simulate/timeline.ts';
import { specOf } from '../src/suggest/rule.ts';
import { ruleFrom } from '../src/suggest/suggest.ts';
import type { Edge } from './series.ts';
import { ENOUGH_CALLS, endedBefore } from './walk-forward.ts';

/** The two plots of one edge. */
interface Pictures {
  readonly edge: Edge;
  /** Until when the suggested policy learned, in milliseconds of the series. */
  readonly learnedUntil: number;
  readonly suggested: Spec;
  readonly timeline: string;
  readonly frontier: string;
}

/**
 * Draws an edge with the policy suggested from the calls before its first incident that has enough of them, or from the
 * first half of the calls where there is none, and with the defaults of libraries. The frontier counts only what came
 * after.
 */
export function picturesOf(edge: Edge): Pictures {
  const { series, from, to, trace, incidents } = edge;
  const before = (time: number) => between(trace, Number.NEGATIVE_INFINITY, time);
  const learnable = incidents.find(({ start }) => before(start).start.length >= ENOUGH_CALLS);
  const learnedUntil = learnable?.start ?? trace.start[trace.start.length >> 1]!;
  const suggested = specOf(ruleFrom([endedBefore(before(learnedUntil), learnedUntil)]).rule);
  const policies = [
    { name: 'suggested', spec: suggested },
    ...Object.entries(LIBRARY_DEFAULTS).map(([name, { spec }]) => ({ name, spec })),
  ];
  const options: SimulateOptions = {
    incident: incidents.map(({ start, end, kinds }) => ({
      from: start,
      to: end,
      kinds: kinds.map((kind) => (kind === 'errors' ? 'failing' : 'slow')),
    })),
    calm: [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }],
  };
  const name = `${series}: ${from} > ${to}`;
  const whole = simulate(recordingOf(name, trace), policies, options);
  const after = between(trace, learnedUntil, Number.POSITIVE_INFINITY);
  return {
    edge,
    learnedUntil,
    suggested,
    timeline: withoutPauses(edge, whole, learnedUntil),
    frontier: frontierSvg(simulate(recordingOf(name, after), policies, options)),
  };
}

/** Draws recorded time only: replays know the pauses of a series, but a plot of them would show little else. */
function withoutPauses({ trace, gaps }: Edge, simulation: Simulation, learnedUntil: number): string {
  const { from, to, policies, segmentation } = simulation;
  const pauses = gaps.filter(([begin, end]) => begin > from && end < to).sort(([a], [b]) => a - b);
  const missing = (at: number) => pauses.reduce((sum, [begin, end]) => sum + clamped(at, begin, end) - begin, 0);
  const recorded = (at: number) => at - missing(at);
  const stretch = <T extends Stretch>(each: T): T => ({ ...each, from: recorded(each.from), to: recorded(each.to) });
  const span = stretch({ from, to });
  const drawn: Simulation = {
    ...simulation,
    ...span,
    segmentation: { ...segmentation, incidents: segmentation.incidents.map(stretch) },
    load: load([{ ...trace, start: trace.start.map(recorded) }], span, segmentation.slowMs),
    policies: policies.map((policy) => {
      const replayed = replay(policy.spec, trace);
      const transitions = replayed.transitions.map((each) => ({ ...each, at: recorded(each.at) }));
      const openings = policy.openings.map((each) => ({ ...each, at: recorded(each.at) }));
      return { ...policy, openings, lane: lane([{ ...replayed, transitions }], span) };
    }),
  };
  return timelineSvg(drawn, {
    learnedUntil: recorded(learnedUntil),
    cuts: pauses.map(([begin]) => recorded(begin)),
  });
}

const clamped = (at: number, low: number, high: number) => Math.min(high, Math.max(low, at));

function recordingOf(breaker: string, trace: Trace): BreakerRecording {
  return {
    breaker,
    traces: [trace],
    knowsProcesses: true,
    keys: [],
    calls: trace.start.length,
    failures: trace.outcome.filter((each) => each === FAILURE).length,
    rejected: 0,
    withoutDuration: 0,
  };
}

/** The edge of each series with the most incidents, and of those the one with the most calls. */
export function mainEdges(edges: readonly Edge[]): Edge[] {
  const found = new Map<string, Edge>();
  for (const edge of edges) {
    const best = found.get(edge.series);
    const more = best === undefined ? 1 : edge.incidents.length - best.incidents.length;
    if (more > 0 || (more === 0 && edge.trace.start.length > best!.trace.start.length)) found.set(edge.series, edge);
  }
  return [...found.values()];
}

/** Writes the pictures of each series into a folder. @returns a line for each series. */
export function writePictures(edges: readonly Edge[], folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return mainEdges(edges).map((edge) => {
    const { learnedUntil, timeline, frontier } = picturesOf(edge);
    writeFileSync(join(folder, `${edge.series}-timeline.svg`), timeline);
    writeFileSync(join(folder, `${edge.series}-frontier.svg`), frontier);
    return `${edge.series}: ${edge.from} > ${edge.to}, suggested from the first ${Math.round(learnedUntil / 1_000)} s`;
  });
}
