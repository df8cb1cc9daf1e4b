import { Command, Option } from 'commander';
import type { Reach, StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { within } from '../output/not-found.ts';
import { coloured, count, printAs, table } from '../output/output.ts';
import { problemOf, statusOf } from '../output/status-columns.ts';
import { onTarget, type ScopeFlags, scopeOf, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard status -A                                   the cluster of the kubeconfig
  fuseboard status --server http://127.0.0.1:8702       an operator without a cluster
  fuseboard status -A --exit-code                       exits with 1 when a policy is not well, for a pipeline`;

interface Flags extends ScopeFlags {
  readonly output: 'text' | 'json' | 'yaml';
  readonly exitCode?: boolean;
}

export function statusCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withScope(new Command('status'))
    .description('Summarize health: policies, the agents that run them, and open circuits.')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json', 'yaml']).default('text'))
    .option('--exit-code', 'exit with 1 when a policy is not well or not yet programmed')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      const summary = await onTarget(reach, flags, async (target) => {
        const scope = scopeOf(flags, target);
        const summary = summarize(await target.policies(scope));
        if (flags.output !== 'text') printAs(summary, flags.output, terminal);
        else {
          const where = scope === undefined ? 'all namespaces' : `namespace "${scope}"`;
          terminal.out.write(`${target.name}, ${where}\n${inWords(summary, scope, terminal)}`);
          if (scope !== undefined) terminal.out.write(await elsewhere(target, scope));
        }
        return summary;
      });
      const well = summary.notWell.length === 0 && summary.policies.others === 0;
      setExitCode(flags.exitCode && !well ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}

/** How many policies are in other namespaces, for who may see them; empty for none. */
async function elsewhere(target: Target, scope: string): Promise<string> {
  try {
    const others = (await target.policies(undefined)).filter(({ namespace }) => namespace !== scope);
    if (others.length === 0) return '';
    const { notWell } = summarize(others);
    const unwell = notWell.length === 0 ? '' : `, ${notWell.length} of them not well`;
    return `${count(others.length, 'policy', 'policies')} in other namespaces${unwell}; see them with -A\n`;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return '';
  }
}

/** What the statuses of policies say together. */
export function summarize(policies: readonly StoredPolicy[]) {
  const sum = (read: (policy: StoredPolicy) => number | undefined) =>
    policies.reduce((total, policy) => total + (read(policy) ?? 0), 0);
  const refused = policies.filter(({ status }) => statusOf(status, 'Accepted') === 'False').length;
  const programmed = policies.filter(({ status }) => statusOf(status, 'Programmed') === 'True').length;
  return {
    policies: { total: policies.length, programmed, refused, others: policies.length - programmed - refused },
    agents: {
      matched: sum(({ status }) => status.agents?.matched),
      applied: sum(({ status }) => status.agents?.applied),
      rejected: sum(({ status }) => status.agents?.rejected),
      stale: sum(({ status }) => status.agents?.stale),
    },
    breakers: {
      closed: sum(({ status }) => status.breakers?.closed),
      open: sum(({ status }) => status.breakers?.open),
      halfOpen: sum(({ status }) => status.breakers?.halfOpen),
      shadowOpen: sum(({ status }) => status.breakers?.shadowOpen),
    },
    notWell: policies.flatMap(({ namespace, name, status }) => {
      const found = problemOf(status);
      return found === undefined ? [] : [{ namespace, name, reason: found.reason, message: found.message }];
    }),
  };
}

function inWords(
  { policies, agents, breakers, notWell }: ReturnType<typeof summarize>,
  scope: string | undefined,
  terminal: Terminal,
): string {
  const parts = (...counts: (readonly [number, string])[]) =>
    counts.filter(([n], i) => i === 0 || n > 0).map(([n, what]) => `${n} ${what}`);
  const { programmed, refused, others } = policies;
  const rows: [string, string][] = [
    ['policies', parts([programmed, 'programmed'], [others, 'not yet programmed'], [refused, 'refused']).join(', ')],
    [
      'agents',
      `${agents.applied}/${agents.matched} applied${agents.rejected > 0 ? `, ${agents.rejected} rejected` : ''}${agents.stale > 0 ? `, ${agents.stale} stale` : ''}${policies.total > 1 ? ' (an agent counts once for each of its policies)' : ''}`,
    ],
    [
      'breakers',
      parts(
        [breakers.closed, 'closed'],
        [breakers.open, 'open'],
        [breakers.halfOpen, 'half-open'],
        [breakers.shadowOpen, 'open in shadow'],
      ).join(', '),
    ],
  ];
  const lines = rows.map(([what, says]) => `${what.padEnd(11)}${says}\n`).join('');
  if (policies.total === 0) {
    return `there are no policies ${within(scope)}${scope === undefined ? '' : '; -A looks in all namespaces'}\n`;
  }
  if (notWell.length === 0) return `${lines}${coloured('all is well', 'green', terminal)}\n`;
  const columns = [
    { title: 'policy', value: (row: (typeof notWell)[number]) => `${row.namespace}/${row.name}` },
    { title: 'why', value: (row: (typeof notWell)[number]) => row.reason, colour: () => 'red' as const },
    { title: 'message', value: (row: (typeof notWell)[number]) => row.message },
  ];
  return `${lines}\n${count(notWell.length, 'policy', 'policies')} not well:\n${table(notWell, columns, terminal)}`;
}
