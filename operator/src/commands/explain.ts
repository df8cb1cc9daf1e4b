import { Command, Option } from 'commander';
import { UsageError } from '../config.ts';
import { type Explanation, explain } from '../core/explain.ts';
import { DEFAULT_NAMESPACE } from '../core/namespace.ts';
import type { Policy } from '../core/policy.ts';
import { routingOf } from '../core/routing.ts';
import { type Labels, parseLabels } from '../core/selector.ts';
import { parsePolicyFile } from '../sources/file.ts';
import { EXIT, Failure } from './exit.ts';
import { policyFiles, readPolicyFile } from './files.ts';
import type { Ended, Terminal } from './program.ts';

interface Flags {
  readonly namespace: string;
  readonly labels: string;
  readonly policies?: string;
  readonly server?: string;
  readonly output: 'text' | 'json';
}

const EXAMPLES = `
Examples:
  fuseboard explain payments --policies ./policies
  fuseboard explain payments --namespace shop --labels app=checkout --server http://127.0.0.1:8702`;

export function explainCommand({ out }: Terminal, ended: Ended): Command {
  return new Command('explain')
    .description('Say which policy governs a breaker, and why no other does. Exits with 1 when none does.')
    .argument('<breaker>', 'the name as given to getBreaker')
    .option('-n, --namespace <name>', 'the namespace of the agent', DEFAULT_NAMESPACE)
    .option('-l, --labels <list>', 'the labels of the agent, as k=v,k2=v2', '')
    .addOption(new Option('--policies <path>', 'ask the policy files of a folder').conflicts('server'))
    .option('--server <url>', 'ask a running operator, by the URL of its admin API')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async (breaker: string, flags: Flags) => {
      const labels = readLabels(flags.labels);
      const explanation = await ask(breaker, labels, flags);
      out.write(flags.output === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : inWords(explanation, flags));
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

async function ask(breaker: string, labels: Labels, flags: Flags): Promise<Explanation> {
  if (flags.server !== undefined) return askServer(breaker, flags, flags.server);
  if (flags.policies === undefined) throw new UsageError('give --policies DIR or --server URL');
  const files = await policyFiles(flags.policies);
  const parsed = await Promise.all(files.map(async (file) => parsePolicyFile(await readPolicyFile(file))));
  const own = parsed.flatMap((file) => file.policies).filter(({ namespace }) => namespace === flags.namespace);
  const first = new Map([...own].reverse().map((policy) => [policy.name, policy]));
  const routings = [...first.values()].flatMap(({ namespace, name, spec, problems }) => {
    const policy: Policy = { uid: name, namespace, name, generation: 0, createdAt: 0, spec, problems };
    return routingOf(policy) ?? [];
  });
  return explain(routings, labels, breaker);
}

async function askServer(breaker: string, { namespace, labels }: Flags, server: string): Promise<Explanation> {
  const url = URL.parse('/v1/explain', server);
  if (url === null) throw new UsageError(`--server: ${server} is not a URL; give one such as http://127.0.0.1:8702`);
  url.search = new URLSearchParams({ namespace, breaker, ...(labels !== '' && { labels }) }).toString();
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new Failure(EXIT.unreachable, `cannot reach ${server}: ${(cause as Error | undefined)?.message ?? message}`);
  }
  const body = (await response.json().catch(() => ({}))) as Explanation & { error?: string };
  if (!response.ok || !Array.isArray(body.candidates)) {
    const why = body.error ?? `it answered ${response.status} and not as an operator's admin API does`;
    throw new Failure(EXIT.unreachable, `cannot ask ${server}: ${why}`);
  }
  return body;
}

function inWords({ breaker, winner, candidates }: Explanation, { namespace, labels }: Flags): string {
  const who = `an agent in namespace "${namespace}" ${labels === '' ? 'without labels' : `with ${labels}`}`;
  const head =
    winner === undefined
      ? `no policy governs "${breaker}" on ${who}; the defaults of the code apply`
      : `policy "${winner}" governs "${breaker}" on ${who}`;
  const lines = candidates.map(({ policy, governs, reason }) => `  ${governs ? '*' : ' '} ${policy}: ${reason}`);
  return `${[head, ...lines].join('\n')}\n`;
}
