import type { Case } from './cases.ts';
import { replayOurs } from './fuseboard.ts';
import type { Peer } from './peer.ts';
import { type Observation, type Step, sequence } from './sequence.ts';
import { Trace } from './trace.ts';

/** What came of replaying sequences in a library and in ours. */
export interface Comparison {
  sequences: number;
  /** Steps that were compared; what follows a difference that changes the course is not. */
  steps: number;
  /** Calls that both let through, that both rejected, and times that both were seen to open. */
  admitted: number;
  rejected: number;
  openings: number;
  readonly differences: Map<string, number>;
  /** Where no reason explains what differs. */
  readonly unexplained: string[];
}

/** Replays sequences, one for each seed, on both sides and compares after every step. */
export async function compare(one: Case, peer: Peer, seeds: readonly number[]): Promise<Comparison> {
  const result: Comparison = {
    sequences: 0,
    steps: 0,
    admitted: 0,
    rejected: 0,
    openings: 0,
    differences: new Map(),
    unexplained: [],
  };
  for (const seed of seeds) {
    const steps = sequence(seed, one.shape);
    const theirs = await peer.replay(one.theirs, steps);
    if (theirs.length !== steps.length)
      throw new Error(`${peer.name} showed ${theirs.length} of ${steps.length} steps`);
    compareSequence(one, seed, steps, replayOurs(one.ours, steps), theirs, result);
    result.sequences++;
  }
  return result;
}

function compareSequence(
  { reasons, title }: Case,
  seed: number,
  steps: readonly Step[],
  allOurs: readonly Observation[],
  allTheirs: readonly Observation[],
  result: Comparison,
): void {
  for (let index = 0; index < steps.length; index++) {
    const [ours, theirs] = [allOurs[index]!, allTheirs[index]!];
    result.steps++;
    if (ours.admission === theirs.admission && ours.state === theirs.state) {
      if (ours.admission === 'admitted') result.admitted++;
      if (ours.admission === 'rejected') result.rejected++;
      if (ours.state === 'open' && index > 0 && allOurs[index - 1]!.state !== 'open') result.openings++;
      continue;
    }
    const trace = new Trace(steps, allOurs, allTheirs, index);
    const reason = reasons.find((each) => each.explains(trace));
    if (reason === undefined) {
      result.unexplained.push(`${title}, seed ${seed}, step ${index}:\n${story(trace)}`);
      return;
    }
    result.differences.set(reason.text, (result.differences.get(reason.text) ?? 0) + 1);
    if (reason.continues === undefined) return;
  }
}

function story(trace: Trace): string {
  const show = ({ admission, state, calls, failures }: Observation) =>
    `${admission === undefined ? '' : `${admission}, `}${state}, ${failures} of ${calls} failed`;
  const lines = trace.steps.map((step, at) => {
    const what = step.do === 'advance' ? `${step.ms} ms pass` : `${step.do} ${step.call}`;
    const how = step.do === 'end' ? ` ${step.outcome}` : '';
    return `  ${trace.times[at]} ms: ${what}${how} | ours: ${show(trace.allOurs[at]!)} | theirs: ${show(trace.allTheirs[at]!)}`;
  });
  return lines.slice(-25).join('\n');
}
