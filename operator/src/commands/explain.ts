import { Command, Option } from 'commander';
import type { Reach, TargetFlags } from '../client/target.ts';
import { UsageError } from '../config.ts';
import { type Explanation, explain } from '../core/explain.ts';
import { DEFAULT_NAMESPACE } from '../core/namespace.ts';
import { routingOf } from '../core/routing.ts';
import { type Labels, parseLabels } from '../core/selector.ts';
import { parsePolicyFile } from '../sources/file.ts';
import { EXIT } from './exit.ts';
import { policyFiles, readPolicyFile } from './files.ts';
import type { Ended, Terminal } from './program.ts';
import { onTarget, withTarget } from './target-options.ts';

interface Flags extends TargetFlags {
  readonly namespace?: string;
  readonly labels: string;
  readonly policies?: string;
  readonly output: 'text' | 'json';
}

const EXAMPLES = `
Examples:
  fuseboard explain payments -n shop -l app=checkout    in the cluster of the kubeconfig
  fuseboard explain payments --policies ./policies      in the files of a folder
  fuseboard explain payments --namespace shop --labels app=checkout --server http://127.0.0.1:8702`;

export function explainCommand({ out }: Terminal, reach: Reach, ended: Ended): Command {
  return withTarget(new Command('explain'))
    .description('Say which policy governs a breaker, and why no other does. Exits with 1 when none does.')
    .argument('<breaker>', 'the name as given to getBreaker')
    .option('-n, --namespace <name>', 'the namespace of the agent (absent: that of the context, else default)')
    .option('-l, --labels <list>', 'the labels of the agent, as k=v,k2=v2', '')
    .addOption(
      new Option('--policies <path>', 'ask the policy files of a folder, not a cluster').conflicts([
        'server',
        'kubeconfig',
      ]),
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async (breaker: string, flags: Flags) => {
      const labels = readLabels(flags.labels);
      const { namespace, ...explanation } = await ask(breaker, labels, flags, reach);
      const { output } = flags;
      out.write(
        output === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : inWords(explanation, namespace, flags.labels),
      );
      ended(explanation.winner === undefined ? EXIT.problems : EXIT.ok);
    });
}

function readLabels(text: string): Labels {
  try {
    return parseLabels(text);
  } catch (error) {
    throw new UsageError(`--${(error as Error).message}`);
  }
}

async function ask(
  breaker: string,
  labels: Labels,
  flags: Flags,
  reach: Reach,
): Promise<Explanation & { readonly namespace: string }> {
  if (flags.policies === undefined) {
    return onTarget(reach, flags, async (target) => {
      const namespace = flags.namespace ?? target.namespace;
      return { namespace, ...explain(routings(await target.policies(namespace)), labels, breaker) };
    });
  }
  const namespace = flags.namespace ?? DEFAULT_NAMESPACE;
  const files = await policyFiles(flags.policies);
  const parsed = await Promise.all(files.map(async (file) => parsePolicyFile(await readPolicyFile(file))));
  const own = parsed.flatMap((file) => file.policies).filter((policy) => policy.namespace === namespace);
  const first = new Map([...own].reverse().map((policy) => [policy.name, policy]));
  const found = [...first.values()].map((policy) => ({ ...policy, uid: policy.name, createdAt: 0 }));
  return { namespace, ...explain(routings(found), labels, breaker) };
}

const routings = (policies: readonly Parameters<typeof routingOf>[0][]) =>
  policies.flatMap((policy) => routingOf(policy) ?? []);

function inWords({ breaker, winner, candidates }: Explanation, namespace: string, labels: string): string {
  const who = `an agent in namespace "${namespace}" ${labels === '' ? 'without labels' : `with ${labels}`}`;
  const head =
    winner === undefined
      ? `no policy governs "${breaker}" on ${who}; the defaults of the code apply`
      : `policy "${winner}" governs "${breaker}" on ${who}`;
  const lines = candidates.map(({ policy, governs, reason }) => `  ${governs ? '*' : ' '} ${policy}: ${reason}`);
  return `${[head, ...lines].join('\n')}\n`;
}
