import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { count } from '../../core/count.ts';
import { type Impact, impactsOf } from '../../core/policy/impact.ts';
import { routingOf } from '../../core/policy/routing.ts';
import type { ListedAgent } from '../../http/admin/answers/agents.ts';
import type { FilePolicy } from '../../sources/file.ts';
import { tellUnanswered } from '../client/replicas.ts';
import type { Reach, StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { listAgents } from '../output/agent-list.ts';
import { type Colour, coloured, type ProgramFormat, printAs } from '../output/output.ts';
import { answerOutput } from '../output/output-option.ts';
import type { ScopeFlags } from '../target-options.ts';
import { onTarget, withNamespace } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { readPolicyFiles } from './files.ts';

const EXAMPLES = `
Examples:
  fuseboard diff policies/                              against the cluster of the kubeconfig
  fuseboard diff payments.yaml --server http://127.0.0.1:8702

Nothing is applied. Exits with 1 when there are differences, as diff does.`;

interface Flags extends ScopeFlags {
  readonly output: 'text' | ProgramFormat;
}

interface PolicyChange {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'created' | 'changed';
  readonly before?: StoredPolicy;
  readonly after: FilePolicy;
}

export function diffCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withNamespace(new Command('diff'))
    .description('Show what policy files would change, and for which agents, without applying them.')
    .argument('<files...>', 'policy files, folders of them, or - for standard input')
    .addOption(answerOutput())
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], flags: Flags) => {
      const code = await onTarget(reach, flags, async (target) => {
        const after = await readFiles(paths, flags.namespace ?? target.namespace);
        const namespaces = [...new Set(after.map(({ namespace }) => namespace))];
        const reports = [];
        for (const namespace of namespaces) {
          const stored = await target.policies(namespace);
          const mine = after.filter((policy) => policy.namespace === namespace);
          const changes = mine.flatMap((policy) => changeOf(policy, stored) ?? []);
          const agents = changes.length === 0 ? [] : await agentsOf(target, namespace, terminal);
          reports.push({ namespace, changes, effects: agents && agentImpacts(stored, changes, agents) });
        }
        if (flags.output === 'text') terminal.out.write(reports.map((report) => inWords(report, terminal)).join(''));
        else printAs({ items: reports.map(forPrograms) }, flags.output, terminal);
        const changed = reports.some(({ changes }) => changes.length > 0);
        if (!changed && flags.output === 'text') terminal.out.write('nothing would change\n');
        return changed ? EXIT_CODES.problems : EXIT_CODES.ok;
      });
      setExitCode(code);
    });
}

async function readFiles(paths: readonly string[], namespace: string): Promise<FilePolicy[]> {
  const found: FilePolicy[] = [];
  for (const { file, policies, problems } of await readPolicyFiles(paths, namespace)) {
    const wrong = [...problems, ...policies.flatMap((policy) => policy.problems)][0];
    if (wrong) {
      const where = [`${file}:${wrong.line}`, wrong.field, wrong.message].filter(Boolean).join(': ');
      throw new CliError(EXIT_CODES.problems, `cannot compare ${where}`);
    }
    found.push(...policies);
  }
  return found;
}

function changeOf(after: FilePolicy, stored: readonly StoredPolicy[]): PolicyChange | undefined {
  const { namespace, name } = after;
  const before = stored.find((policy) => policy.name === name);
  if (before === undefined) return { namespace, name, kind: 'created', after };
  if (isDeepStrictEqual(completed(before.spec), completed(after.spec))) return undefined;
  return { namespace, name, kind: 'changed', before, after };
}

/** Fills in the defaults that the API server adds to every stored spec, so that they are no difference. */
const completed = (spec: FilePolicy['spec'] | undefined) => ({
  ...spec,
  mode: spec?.mode ?? 'Enforce',
  onUpdate: spec?.onUpdate ?? 'Preserve',
});

/** The agents of a namespace; undefined when the operator cannot be reached, which a note explains. */
async function agentsOf(
  target: Target,
  namespace: string,
  terminal: Terminal,
): Promise<readonly ListedAgent[] | undefined> {
  try {
    const { items, unanswered } = await listAgents(target, namespace);
    tellUnanswered(unanswered, terminal);
    return items;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    terminal.err.write(`the affected agents are not known: ${error.message}\n`);
    return undefined;
  }
}

function agentImpacts(
  stored: readonly StoredPolicy[],
  changes: readonly PolicyChange[],
  agents: readonly ListedAgent[],
): Impact[] {
  const route = (policy: Parameters<typeof routingOf>[0]) => routingOf(policy) ?? [];
  const before = stored.flatMap(route);
  const next = new Map(stored.map((policy) => [policy.name, policy as Parameters<typeof route>[0]]));
  for (const { name, after, before: old } of changes) {
    const { uid = name, createdAt = Number.MAX_SAFE_INTEGER } = old ?? {};
    next.set(name, { uid, name, createdAt, spec: after.spec, problems: after.problems });
  }
  const changed = new Set(changes.map(({ name }) => name));
  const affected = agents.map(({ instance, service, labels, breakers }) => ({
    instance,
    service,
    labels,
    breakers: breakers.map(({ name }) => name),
  }));
  return impactsOf(before, [...next.values()].flatMap(route), changed, affected);
}

interface Report {
  readonly namespace: string;
  readonly changes: readonly PolicyChange[];
  readonly effects: readonly Impact[] | undefined;
}

const forPrograms = ({ namespace, changes, effects: found }: Report) => ({
  namespace,
  changes: changes.map(({ name, kind, before, after }) => ({ name, kind, before: before?.spec, after: after.spec })),
  ...(found && {
    effects: found.map(({ agents, ...effect }) => ({ ...effect, agents: agents.map(({ instance }) => instance) })),
  }),
});

function inWords({ namespace, changes, effects: found }: Report, terminal: Terminal): string {
  if (changes.length === 0) return '';
  const patches = changes.map(({ name, before, after }) => {
    const text = (spec: object | undefined) => (spec === undefined ? '' : stringify(spec, { sortMapEntries: true }));
    const title = `${namespace}/${name}`;
    const there = before === undefined ? 'not there' : `generation ${before.generation}`;
    const patch = createTwoFilesPatch(
      title,
      title,
      text(before && completed(before.spec)),
      text(completed(after.spec)),
      there,
      'file',
      {
        context: 3,
      },
    );
    const lines = patch.split('\n').filter((line) => !line.startsWith('==='));
    return lines.map((line) => coloured(line, colourOf(line), terminal)).join('\n');
  });
  const felt = (found ?? []).map(({ breaker, from, to, agents }) => {
    const services = new Map<string, number>();
    for (const { service } of agents) services.set(service, (services.get(service) ?? 0) + 1);
    const who = [...services].map(([service, n]) => `${service} ${n}`).join(', ');
    const what = from === to ? `new version of "${to}"` : `${quoted(from)} -> ${quoted(to)}`;
    return `  ${breaker}: ${what} on ${count(agents.length, 'agent')} (${who})\n`;
  });
  const none = found === undefined ? '' : 'no connected agent is affected\n';
  return `${patches.join('')}${felt.length > 0 ? `affected agents:\n${felt.join('')}` : none}`;
}

const quoted = (name: string | undefined) => (name === undefined ? 'the defaults of the code' : `"${name}"`);

const colourOf = (line: string): Colour | undefined =>
  line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : undefined;
