import type { PolicySpec } from '@fuseboard/schema/types';
import { Command, Option } from 'commander';
import { UsageError } from '../../config/usage-error.ts';
import { count } from '../../core/count.ts';
import { type Explanation, explain } from '../../core/policy/explain.ts';
import { DEFAULT_NAMESPACE } from '../../core/policy/namespace.ts';
import { routingOf } from '../../core/policy/routing.ts';
import { type Labels, parseLabels } from '../../core/policy/selector.ts';
import { type SeenOverride, type SeenPolicy, warningsFor } from '../../core/policy/warnings.ts';
import type { Reach, StoredPolicy, Target, TargetFlags } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { type ProgramFormat, printAs } from '../output/output.ts';
import { answerOutput } from '../output/output-option.ts';
import { suggestions } from '../output/suggestions.ts';
import { readPolicyFiles } from '../policy-files/files.ts';
import { type MaybeCalls, withOptionalCalls } from '../recorded-calls/call-options.ts';
import { trafficFindings } from '../recorded-calls/traffic.ts';
import { onTarget, withTarget } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

interface Flags extends TargetFlags, Omit<MaybeCalls, 'breaker'> {
  readonly namespace?: string;
  readonly labels: string;
  readonly policies?: string;
  readonly output: 'text' | ProgramFormat;
}

const EXAMPLES = `
Examples:
  fuseboard explain payments -n shop -l app=checkout    in the cluster of the kubeconfig
  fuseboard explain payments --policies ./policies      in the files of a folder
  fuseboard explain payments --policies ./policies --calls recording.gz
  fuseboard explain payments --namespace shop --labels app=checkout --server http://127.0.0.1:8702`;

export function explainCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withOptionalCalls(withTarget(new Command('explain')))
    .description('Show which policy governs a breaker and why the others do not. Exits with 1 when none does.')
    .argument('<breaker>', 'the name as given to getBreaker')
    .option('-n, --namespace <name>', 'the namespace of the agent (absent: that of the context, else default)')
    .option('-l, --labels <list>', 'the labels of the agent, as k=v,k2=v2', '')
    .addOption(
      new Option(
        '--policies <path>',
        'use a policy file, a folder of them, or - for standard input instead of a cluster',
      ).conflicts(['server', 'kubeconfig']),
    )
    .addOption(answerOutput())
    .addHelpText('after', EXAMPLES)
    .action(async (breaker: string, flags: Flags) => {
      const labels = readLabels(flags.labels);
      const { namespace, spec, ...explained } = await ask(breaker, labels, flags, reach);
      const [traffic = []] = await trafficFindings(
        { ...flags, breaker },
        terminal,
        spec === undefined ? [] : [{ spec, breakers: [breaker] }],
      );
      const said = traffic.map(({ message }) => `on the recorded calls, ${message}`);
      const answer = { ...explained, notes: [...explained.notes, ...said] };
      const { output } = flags;
      const { out } = terminal;
      if (output === 'text') out.write(inWords(answer, namespace, flags.labels));
      else printAs(answer, output, terminal);
      setExitCode(answer.winner === undefined ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}

function readLabels(text: string): Labels {
  try {
    return parseLabels(text);
  } catch (error) {
    throw new UsageError(`--${(error as Error).message}`);
  }
}

interface ExplainAnswer extends Explanation {
  /** Why calls may behave differently than the governing policy suggests, and similar breaker names. */
  readonly notes: readonly string[];
}

async function ask(
  breaker: string,
  labels: Labels,
  flags: Flags,
  reach: Reach,
): Promise<ExplainAnswer & { readonly namespace: string; readonly spec?: PolicySpec }> {
  if (flags.policies === undefined) {
    return onTarget(reach, flags, async (target) => {
      const namespace = flags.namespace ?? target.namespace;
      const policies = await target.policies(namespace);
      const { overrides, unknown } = await overridesOf(target, namespace);
      const explanation = explain(routings(policies), labels, breaker);
      const others = explanation.winner === undefined ? await otherPolicies(target, namespace) : [];
      const seen = [...policies, ...others];
      return {
        namespace,
        ...specOfWinner(explanation, policies),
        ...answer(explanation, { namespace, labels, policies: seen, overrides }, unknown),
      };
    });
  }
  const namespace = flags.namespace ?? DEFAULT_NAMESPACE;
  const all = (await readPolicyFiles([flags.policies])).flatMap((file) => file.policies);
  const first = new Map([...all].reverse().map((policy) => [`${policy.namespace}/${policy.name}`, policy]));
  const found = [...first.values()].map((policy) => ({ ...policy, uid: policy.name, createdAt: 0, generation: 0 }));
  const own = found.filter((policy) => policy.namespace === namespace);
  const explanation = explain(routings(own), labels, breaker);
  return {
    namespace,
    ...specOfWinner(explanation, own),
    ...answer(explanation, { namespace, labels, policies: found, overrides: [] }),
  };
}

/** The spec of the policy that governs the breaker. */
function specOfWinner({ winner }: Explanation, policies: readonly SeenPolicy[]): { readonly spec?: PolicySpec } {
  const spec = policies.find(({ name }) => name === winner)?.spec;
  return spec === undefined ? {} : { spec };
}

function answer(
  explanation: Explanation,
  circumstances: {
    readonly namespace: string;
    readonly labels: Labels;
    readonly policies: readonly SeenPolicy[];
    readonly overrides: readonly SeenOverride[];
  },
  unknown: readonly string[] = [],
): ExplainAnswer {
  const { namespace, policies } = circumstances;
  const own = policies.filter((policy) => policy.namespace === namespace);
  return {
    ...explanation,
    notes: [
      ...warningsFor(explanation, { ...circumstances, now: Date.now() }),
      ...unknown,
      ...meant(explanation, namespace, own),
    ],
  };
}

/** The overrides of a namespace. A failure to read them becomes a note, so that the explanation is still printed. */
async function overridesOf(target: Target, namespace: string) {
  try {
    return { overrides: await target.overrides(namespace), unknown: [] };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { overrides: [], unknown: [`whether an override forces it is not known: ${error.message}`] };
  }
}

/** Policies of other namespaces, as far as the user may read them. */
async function otherPolicies(target: Target, namespace: string): Promise<StoredPolicy[]> {
  try {
    return (await target.policies(undefined)).filter((policy) => policy.namespace !== namespace);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [];
  }
}

/** Similar names, for a breaker name that no policy lists or that only a policy for all names matches. */
function meant({ breaker, winner, candidates }: Explanation, namespace: string, own: readonly SeenPolicy[]): string[] {
  if (own.length === 0) return [`there is no policy in namespace "${namespace}"`];
  const pattern = candidates.find(({ policy }) => policy === winner)?.pattern;
  if (candidates.some((one) => one.pattern !== undefined && one.pattern !== '*')) return [];
  const names = own.filter(({ problems }) => problems.length === 0).flatMap(({ spec }) => spec.breakers);
  const close = suggestions(
    breaker,
    names.filter((name) => !name.endsWith('*')),
  );
  if (close.length === 0) return [];
  const which = pattern === '*' ? `only "*" matches "${breaker}"` : `no policy names "${breaker}"`;
  return [`${which}; did you mean ${close.map((name) => `"${name}"`).join(' or ')}?`];
}

const routings = (policies: readonly Parameters<typeof routingOf>[0][]) =>
  policies.flatMap((policy) => routingOf(policy) ?? []);

function inWords({ breaker, winner, candidates, notes }: ExplainAnswer, namespace: string, labels: string): string {
  const who = `an agent in namespace "${namespace}" ${labels === '' ? 'without labels' : `with ${labels}`}`;
  const head =
    winner === undefined
      ? `no policy governs "${breaker}" on ${who}; the defaults of the code apply`
      : `policy "${winner}" governs "${breaker}" on ${who}`;
  const related = candidates.filter(({ pattern }) => pattern !== undefined);
  const lines = related.map(({ policy, governs, reason }) => `  ${governs ? '*' : ' '} ${policy}: ${reason}`);
  const unrelated = candidates.length - related.length;
  if (unrelated > 0) {
    const whose = unrelated === 1 ? 'its' : 'their';
    lines.push(
      `    ${count(unrelated, 'other policy', 'other policies')}: none of ${whose} breakers matches "${breaker}"`,
    );
  }
  return `${[head, ...lines, ...notes.map((note) => `note: ${note}`)].join('\n')}\n`;
}
