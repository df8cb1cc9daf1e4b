import type { ReadOptions } from '@fuseboard/traffic';
import type { Stretch } from '../calm/incidents.ts';
import { suggestionData } from '../report/json.ts';
import { suggestionText } from '../report/suggestion-text.ts';
import { suggest } from '../suggest/suggest.ts';
import { isFor, readPolicies } from './policies.ts';
import { isNameless, namedBy, readingText, readRecordings, refuseSampled } from './recordings.ts';
import type { RunResult } from './simulate-run.ts';

/** The input of `fuseboard suggest`. */
export interface SuggestRequest {
  readonly calls: readonly string[];
  /** Files of the policies in force. */
  readonly against?: readonly string[];
  readonly processes?: number;
  readonly incident?: readonly Stretch[];
  readonly calm?: readonly Stretch[];
  /** Acceptable number of false openings of a process per month. Absent: one. */
  readonly falseOpeningsPerMonth?: number;
  readonly output?: 'text' | 'json' | 'yaml';
  readonly read?: ReadOptions;
  readonly onProgress?: (part: string, done: number, of: number) => void;
}

/**
 * Suggests a policy for each recorded breaker. The text output can be applied, because everything else in it is a
 * comment.
 *
 * @throws InputError when a file or a policy is invalid.
 */
export async function runSuggest(request: SuggestRequest): Promise<RunResult> {
  const inForce = (request.against ?? []).flatMap(readPolicies);
  const recordings = await readRecordings(request.calls, request.read ?? {});
  refuseSampled(recordings, request.read?.sampling !== undefined);
  const breakers = namedBy(inForce, recordings);
  const suggestions = breakers.map((recording, at) => {
    const current = inForce.find((policy) => isFor(policy, recording.breaker))?.spec;
    const found = suggest(recording, {
      ...(request.processes === undefined ? {} : { processes: request.processes }),
      ...(request.incident === undefined ? {} : { incident: request.incident }),
      ...(request.calm === undefined ? {} : { calm: request.calm }),
      ...(current === undefined ? {} : { inForce: current }),
      ...(request.falseOpeningsPerMonth === undefined ? {} : { falseOpeningsPerMonth: request.falseOpeningsPerMonth }),
    });
    request.onProgress?.(recording.breaker, at + 1, breakers.length);
    return found;
  });
  if (request.output === 'json' || request.output === 'yaml')
    return { text: suggestionData(suggestions, request.output), isMet: true };
  const nameless = isNameless({ breakers })
    ? ['note: the record names no breaker; write yours in place of "all", or name it with --breaker.']
    : [];
  const reading = [...readingText(recordings).trimEnd().split('\n'), ...nameless].map((line) => `# ${line}`).join('\n');
  return { text: `${reading}\n#\n${suggestions.map(suggestionText).join('---\n')}`, isMet: true };
}
