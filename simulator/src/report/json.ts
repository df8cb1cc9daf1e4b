import { stringify } from 'yaml';
import type { Verdict } from '../simulate/expectation.ts';
import type { Simulation } from '../simulate/simulate.ts';
import type { Suggestion } from '../suggest/suggest.ts';
import { missing, policyYaml } from './policy-yaml.ts';

export type DataFormat = 'json' | 'yaml';

function written(value: object, format: DataFormat): string {
  const plain = JSON.stringify(value, null, 2);
  return format === 'json' ? `${plain}\n` : stringify(JSON.parse(plain));
}

/** All figures and openings of simulations, without any recorded call. */
export function simulationData(
  simulations: readonly Simulation[],
  verdicts: readonly Verdict[],
  format: DataFormat,
): string {
  return written({ simulations, expectations: verdicts }, format);
}

/** All data of suggestions, without any recorded call. */
export function suggestionData(suggestions: readonly Suggestion[], format: DataFormat): string {
  const plain = suggestions.map((suggestion) => {
    const { calm, ...rest } = suggestion;
    const { durations, ...figures } = calm;
    return {
      ...rest,
      calm: { ...figures, successes: durations.length },
      missing: missing(suggestion),
      policy: policyYaml(suggestion),
    };
  });
  return written({ suggestions: plain }, format);
}
