export { parseExclusion, parseFields, parseSelector } from '@fuseboard/traffic';
export { type BreakerRecording, collect } from './calls/recording.ts';
export type { Incident, Segmentation, Stretch } from './calm/incidents.ts';
export { LIBRARY_DEFAULTS } from './replay/library-defaults.ts';
export { simulationPage } from './report/page.ts';
export { frontierSvg, timelineSvg } from './report/plots.ts';
export { policyYaml } from './report/policy-yaml.ts';
export { simulationText } from './report/simulation-text.ts';
export { suggestionText } from './report/suggestion-text.ts';
export { InputError } from './run/policies.ts';
export { type RunResult, runSimulate, type SimulateOutput, type SimulateRequest } from './run/simulate-run.ts';
export { runSuggest, type SuggestRequest } from './run/suggest-run.ts';
export { runTraffic, type TrafficPolicy, type TrafficRequest } from './run/traffic-run.ts';
export { check, parseExpectation } from './simulate/expectation.ts';
export {
  type NamedPolicy,
  type PolicyFigures,
  type SimulateOptions,
  type Simulation,
  simulate,
} from './simulate/simulate.ts';
export type { TrafficFinding } from './simulate/traffic-findings.ts';
export { type Suggestion, type SuggestOptions, suggest } from './suggest/suggest.ts';
