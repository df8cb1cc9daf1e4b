import type { OverrideSpec, PolicySpec, PolicyStatus, SpecProblem } from '@fuseboard/schema';
import { instant } from '../instant.ts';
import { conditionOf } from './condition.ts';
import type { Explanation } from './explain.ts';
import { newestFirst } from './override.ts';
import { type Labels, matches, selects } from './selector.ts';

/** A policy, as input for warnings. */
export interface SeenPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** Trust it only when `problems` is empty. */
  readonly spec: PolicySpec;
  readonly problems: readonly SpecProblem[];
  /** Absent when the rollout is not known, as in a file. */
  readonly status?: PolicyStatus;
}

/** An override, as input for warnings. */
export interface SeenOverride {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly createdBy?: string;
  readonly spec: OverrideSpec;
}

/** Further context for an explanation. */
export interface WarningInput {
  readonly namespace: string;
  readonly labels: Labels;
  /** The policies of the namespace, and the visible ones of other namespaces. */
  readonly policies: readonly SeenPolicy[];
  /** The overrides of the namespace. */
  readonly overrides: readonly SeenOverride[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

const SHOWN = 3;

/** Why calls may behave differently than the governing policy suggests, one sentence each, the most important first. */
export function warningsFor(explanation: Explanation, circumstances: WarningInput): string[] {
  const { namespace, policies } = circumstances;
  const own = policies.filter((policy) => policy.namespace === namespace);
  const winner = own.find(({ name }) => name === explanation.winner);
  const steered = forced(explanation.breaker, circumstances);
  return [
    ...steered,
    ...(winner === undefined ? elsewhere(explanation.breaker, circumstances) : about(winner, steered.length > 0)),
    ...own.filter(({ name }) => explanation.candidates.every(({ policy }) => policy !== name)).map(isIgnored),
  ];
}

/** The effect of each lasting action. Reset is missing because it acts once. */
const DOES = {
  ForceOpen: ['forces it open', 'every call is rejected, whatever policies say'],
  ForceClosed: ['forces it closed', 'every call passes, whatever fails'],
} as const;

function forced(breaker: string, { namespace, labels, overrides, now }: WarningInput): string[] {
  const holding = overrides
    .filter(({ spec, expiresAt }) => expiresAt > now && Object.hasOwn(DOES, spec.action))
    .filter(({ spec }) => selects(spec.selector, labels))
    .sort(newestFirst)
    .find(({ spec }) => spec.breakers.some((pattern) => matches(pattern, breaker)));
  if (holding === undefined) return [];
  const { name, createdBy, expiresAt, spec } = holding;
  const [does, so] = DOES[spec.action as keyof typeof DOES];
  const until = instant(expiresAt);
  const by = createdBy === undefined ? '' : ` by ${createdBy}`;
  return [
    `override "${name}"${by} ${does} until ${until} ("${spec.reason}"): ${so}; end it: fuseboard overrides end ${name} -n ${namespace}`,
  ];
}

function about(policy: SeenPolicy, steered: boolean): string[] {
  const { name, spec, problems } = policy;
  if (problems.length > 0) {
    const what = `the spec of policy "${name}" is invalid: ${listed(problems)}`;
    return [`${what}; agents keep the last valid version, or the defaults in code if there is none; fix it`];
  }
  const { mode } = spec;
  const when = steered ? 'after that, ' : '';
  const lets =
    mode === 'Shadow'
      ? [
          'mode is Shadow: the circuit opens and closes, but every call passes; set mode: Enforce to have calls rejected',
        ]
      : mode === 'Disabled'
        ? [`${when}mode is Disabled: calls are only counted; set mode: Enforce to have the breaker act`]
        : [];
  return [...lets, ...rollout(policy)];
}

/** How far the rollout of a policy is, by its last status. */
function rollout({ namespace, name, generation, status }: SeenPolicy): string[] {
  if (status === undefined) return [];
  if (status.observedGeneration === undefined) {
    return [
      `no operator has reported yet which agents run policy "${name}"; check that one runs: fuseboard status -n ${namespace}`,
    ];
  }
  if (status.observedGeneration < generation) {
    const seen = `generation ${generation} of policy "${name}" is not confirmed yet, the operator reports generation ${status.observedGeneration}`;
    return [`${seen}; until it is, agents may run the version before; try again in a moment`];
  }
  const programmed = conditionOf(status, 'Programmed');
  const { matched = 0, stale = 0 } = status.agents ?? {};
  if (programmed !== undefined && programmed.status !== 'True') {
    if (programmed.reason === 'NoAgents' && stale > 0) {
      const all = stale === 1 ? 'the 1 agent that has' : `all ${stale} agents that have`;
      return [
        `${all} policy "${name}" is silent; a silent agent keeps the policies of its last report: check that the service still runs`,
      ];
    }
    if (programmed.reason === 'AgentsGone') {
      return [
        `no agent runs policy "${name}" any more: ${programmed.message}; see whether the service runs and reaches the operator: fuseboard get agents -n ${namespace}`,
      ];
    }
    if (programmed.reason === 'NoAgents') {
      return [
        `no agent runs policy "${name}": ${programmed.message}; compare its selector with the labels of the service, and check that the service uses the agent`,
      ];
    }
    const refusals = (status.rejections ?? []).slice(0, SHOWN).map(({ agent, ...one }) => `${agent}: ${listed([one])}`);
    const named = refusals.length > 0 ? `: ${refusals.join('; ')}` : '';
    const who = `; versions by agent: fuseboard describe policy ${name} -n ${namespace}`;
    return [`policy "${name}" is not in force everywhere: ${programmed.message}${named}${who}`];
  }
  if (stale === 0) return [];
  const are = stale === 1 ? '1 agent is' : `${stale} agents are`;
  return [
    `${are} silent, of ${matched} that have policy "${name}"; a silent agent keeps the policies of its last report`,
  ];
}

const isIgnored = ({ name, problems }: SeenPolicy) =>
  `policy "${name}" is ignored because its spec is invalid: ${listed(problems)}; fix it`;

function elsewhere(breaker: string, { namespace, policies }: WarningInput): string[] {
  const naming = policies.filter(
    (policy) =>
      policy.namespace !== namespace &&
      policy.problems.length === 0 &&
      policy.spec.breakers.some((pattern) => pattern !== '*' && matches(pattern, breaker)),
  );
  return naming
    .slice(0, SHOWN)
    .map(
      ({ name, namespace: other }) =>
        `policy "${name}" in namespace "${other}" matches it, but governs agents of that namespace only; apply one in "${namespace}"`,
    );
}

function listed(problems: readonly { readonly field: string; readonly message: string }[]): string {
  const named = problems.slice(0, SHOWN).map(({ field, message }) => `${field}: ${message}`);
  return `${named.join('; ')}${problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : ''}`;
}
