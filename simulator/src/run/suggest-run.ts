import type { ReadOptions } from '@fuseboard/traffic';
import type { Stretch } from '../calm/incidents.ts';
import { suggestionData } from '../report/json.ts';
import { suggestionText } from '../report/suggestion-text.ts';
import { suggest } from '../suggest/suggest.ts';
import { isFor, readPolicies } from './policies.ts';
import { readingText, readRecordings, refuseSampled } from './recordings.ts';
import type { RunResult } from './simulate-run.ts';

/** What `fuseboard suggest` was asked for. */
export interface SuggestRequest {
  readonly calls: readonly string[];
  /** Files with the policies in force. */
  readonly against?: readonly string[];
  readonly processes?: number;
  readonly incident?: readonly Stretch[];
  readonly calm?: readonly Stretch[];
  /** How often a process may open falsely in a month. Absent: once. */
  readonly falseOpeningsPerMonth?: number;
  readonly output?: 'text' | 'json' | 'yaml';
  readonly read?: ReadOptions;
  readonly onProgress?: (part: string, done: number, of: number) => void;
}

/**
 * Proposes a policy for each recorded breaker. As text, it can be applied as it is: all else is a comment.
 *
 * @throws InputError on a file or a policy that cannot be used.
 */
export async function runSuggest(request: SuggestRequest): Promise<RunResult> {
  const inForce = (request.against ?? []).flatMap(readPolicies);
  const recordings = await readRecordings(request.calls, request.read ?? {});
  refuseSampled(recordings, request.read?.sampling !== undefined);
  const suggestions = recordings.breakers.map((recording, at) => {
    const current = inForce.find((policy) => isFor(policy, recording.breaker))?.spec;
    const found = suggest(recording, {
      ...(request.processes === undefined ? {} : { processes: request.processes }),
      ...(request.incident === undefined ? {} : { incident: request.incident }),
      ...(request.calm === undefined ? {} : { calm: request.calm }),
      ...(current === undefined ? {} : { inForce: current }),
      ...(request.falseOpeningsPerMonth === undefined ? {} : { falseOpeningsPerMonth: request.falseOpeningsPerMonth }),
    });
    request.onProgress?.(recording.breaker, at + 1, recordings.breakers.length);
    return found;
  });
  if (request.output === 'json' || request.output === 'yaml')
    return { text: suggestionData(suggestions, request.output), isMet: true };
  const reading = readingText(recordings)
    .trimEnd()
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n');
  return { text: `${reading}\n#\n${suggestions.map(suggestionText).join('---\n')}`, isMet: true };
}
