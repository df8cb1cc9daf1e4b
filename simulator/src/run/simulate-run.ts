import type { ReadOptions } from '@fuseboard/traffic';
import type { Stretch } from '../calm/incidents.ts';
import { simulationData } from '../report/json.ts';
import { simulationPage } from '../report/page.ts';
import { frontierSvg, timelineSvg } from '../report/plots.ts';
import { simulationText } from '../report/simulation-text.ts';
import { check, type Expectation, parseExpectation, type Verdict } from '../simulate/expectation.ts';
import { type Simulation, simulate } from '../simulate/simulate.ts';
import { type GivenPolicy, InputError, isFor, readPolicies } from './policies.ts';
import { namedBy, readingText, readRecordings, refuseSampled, refuseUnrelated } from './recordings.ts';

export type SimulateOutput = 'text' | 'json' | 'yaml' | 'html' | 'svg';

/** The input of `fuseboard simulate`. */
export interface SimulateRequest {
  /** Files of policies, or names of libraries. Each policy is replayed for the breakers that it lists. */
  readonly policies: readonly string[];
  readonly calls: readonly string[];
  /** A file of the policy in force, or a library, for comparison. */
  readonly against?: readonly string[];
  readonly processes?: number;
  readonly incident?: readonly Stretch[];
  readonly calm?: readonly Stretch[];
  readonly expect?: readonly string[];
  readonly output?: SimulateOutput;
  readonly read?: ReadOptions;
  /** Characters in a line of the terminal. */
  readonly width?: number;
  /** Called with the progress, about once for each policy. */
  readonly onProgress?: (part: string, done: number, of: number) => void;
}

/** The output, and whether every expectation was met. */
export interface RunResult {
  readonly text: string;
  readonly isMet: boolean;
}

/**
 * Replays recorded calls under policies and formats the results.
 *
 * @throws InputError when a file, a policy or an expectation is invalid.
 */
export async function runSimulate(request: SimulateRequest): Promise<RunResult> {
  const expectations = (request.expect ?? []).map(expectation);
  const given = request.policies.flatMap(readPolicies);
  const against = (request.against ?? []).flatMap(readPolicies);
  const recordings = await readRecordings(request.calls, request.read ?? {});
  refuseSampled(recordings, request.read?.sampling !== undefined);
  const breakers = namedBy(given, recordings);
  const asked = breakers.some(({ breaker }) => breaker === request.read?.breaker);
  if (!asked) refuseUnrelated(given, breakers);
  const simulations = breakers.flatMap((recording): Simulation[] => {
    const mine = given.filter(
      (policy) => isFor(policy, recording.breaker) || request.read?.breaker === recording.breaker,
    );
    if (mine.length === 0) return [];
    return [
      simulate(recording, unique([...mine, ...against]), {
        ...(request.processes === undefined ? {} : { processes: request.processes }),
        ...(request.incident === undefined ? {} : { incident: request.incident }),
        ...(request.calm === undefined ? {} : { calm: request.calm }),
        onProgress: (done, of) => request.onProgress?.(recording.breaker, done, of),
      }),
    ];
  });
  const verdicts = simulations.flatMap((each) => expectations.map((one) => check(one, each)));
  return {
    text: written(request.output ?? 'text', simulations, verdicts, readingText(recordings), request.width),
    isMet: verdicts.every(({ met }) => met),
  };
}

function expectation(text: string): Expectation {
  try {
    return parseExpectation(text);
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}

/** Adds a number to distinguish policies with the same name. */
function unique(policies: readonly GivenPolicy[]): GivenPolicy[] {
  return policies.map((policy, at) => {
    const before = policies.slice(0, at).filter(({ name }) => name === policy.name).length;
    return before === 0 ? policy : { ...policy, name: `${policy.name} (${before + 1})` };
  });
}

function written(
  output: SimulateOutput,
  simulations: readonly Simulation[],
  verdicts: readonly Verdict[],
  reading: string,
  width: number | undefined,
): string {
  if (output === 'json' || output === 'yaml') return simulationData(simulations, verdicts, output);
  if (output === 'html') return simulationPage(simulations, verdicts);
  if (output === 'svg') return simulations.map((each) => timelineSvg(each) + frontierSvg(each)).join('');
  const expected = verdicts.map(({ text, met, was }) => `${met ? 'met    ' : 'NOT MET'}  ${text} (was ${was})`);
  return `${[reading, ...simulations.map((each) => simulationText(each, width)), ...(expected.length > 0 ? ['', ...expected] : [])].join('\n')}\n`;
}
