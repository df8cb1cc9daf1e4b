import { Command } from 'commander';
import { count } from '../../core/count.ts';
import { isLasting } from '../../core/outages/outage-row.ts';
import { forced } from '../../core/outages/sentence.ts';
import { conditionOf } from '../../core/policy/condition.ts';
import { printable } from '../../core/printable.ts';
import type { AgentsAtAGlance, Overview } from '../../core/views/overview.ts';
import { askReplicas, incomplete, type Unanswered } from '../client/replicas.ts';
import type { Reach, StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { holdsOf } from '../output/holds.ts';
import { within } from '../output/not-found.ts';
import { listOutages } from '../output/outage-list.ts';
import { coloured, type ProgramFormat, printAs, table } from '../output/output.ts';
import { answerOutput } from '../output/output-option.ts';
import { problemsOf, statusOf } from '../output/status-columns.ts';
import { onTarget, type ScopeFlags, scopeOf, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard status -A                                   the cluster of the kubeconfig
  fuseboard status --server http://127.0.0.1:8702       an operator without a cluster
  fuseboard status -A --exit-code                       exits with 1 when a policy is not well, for a pipeline`;

/** The most outages that are told in a sentence; those that cost most. */
const SENTENCES = 3;

interface Flags extends ScopeFlags {
  readonly output: 'text' | ProgramFormat;
  readonly exitCode?: boolean;
}

export function statusCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withScope(new Command('status'))
    .description('Summarize health: policies, the agents that run them, and open circuits.')
    .addOption(answerOutput())
    .option('--exit-code', 'exit with 1 when a policy is not well or not yet programmed, or a replica does not answer')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      const summary = await onTarget(reach, flags, async (target) => {
        const scope = scopeOf(flags, target);
        const [policies, fleet, outages, overrides] = await Promise.all([
          target.policies(scope),
          fleetOf(target, scope),
          lastingOutages(target, scope),
          inForce(target, scope),
        ]);
        const summary = { ...summarize(policies), ...fleet, lasting: outages.length, outages, overrides };
        if (flags.output !== 'text') printAs(summary, flags.output, terminal);
        else {
          const where = scope === undefined ? 'all namespaces' : `namespace "${scope}"`;
          terminal.out.write(`${target.name}, ${where}\n${inWords(summary, scope, terminal)}`);
          if (scope !== undefined) terminal.out.write(await elsewhere(target, scope));
        }
        return summary;
      });
      const { notWell, policies, unanswered } = summary;
      const well = notWell.length === 0 && policies.others === 0 && unanswered.length === 0;
      setExitCode(flags.exitCode && !well ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}

/** The number of policies in other namespaces that the user may read, in words; empty for none. */
async function elsewhere(target: Target, scope: string): Promise<string> {
  try {
    const others = (await target.policies(undefined)).filter(({ namespace }) => namespace !== scope);
    if (others.length === 0) return '';
    const { notWell } = summarize(others);
    const unwell = notWell.length === 0 ? '' : `, ${namesOf(notWell).size} of them not well`;
    return `${count(others.length, 'policy', 'policies')} in other namespaces${unwell}; see them with -A\n`;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return '';
  }
}

/** The agents of all replicas of the operator. */
interface FleetSummary {
  /** Number of processes, each counted once; absent when the operator cannot be reached. */
  readonly agents?: AgentsAtAGlance;
  /** The breakers of all agents, also those that no policy governs; absent when the operator cannot be reached. */
  readonly breakers?: Overview['breakers'];
  /** Why the operator cannot be reached. */
  readonly agentsUnknown?: string;
  readonly unanswered: readonly Unanswered[];
}

async function fleetOf(target: Target, namespace: string | undefined): Promise<FleetSummary> {
  try {
    const { answers, unanswered } = await askReplicas(target, (admin) =>
      admin.get<{ replica: string; others: readonly string[] } & Pick<Overview, 'agents' | 'breakers'>>(
        '/v1/overview',
        {
          namespace,
        },
      ),
    );
    const agents: AgentsAtAGlance = { connected: 0, connecting: 0, stale: 0, gone: 0, rejecting: 0 };
    const breakers = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };
    for (const answer of answers) {
      for (const state of Object.keys(agents) as (keyof AgentsAtAGlance)[]) agents[state] += answer.agents[state];
      for (const state of Object.keys(breakers) as (keyof typeof breakers)[]) breakers[state] += answer.breakers[state];
    }
    // The statuses of policies have the breakers of a replica that does not answer.
    return { agents, unanswered, ...(unanswered.length === 0 && { breakers }) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { agentsUnknown: error.message, unanswered: [] };
  }
}

/** The outages in which calls are refused or tested now, over all replicas that answer. */
async function lastingOutages(target: Target, namespace: string | undefined) {
  try {
    const { items } = await listOutages(target, namespace);
    return items
      .filter(isLasting)
      .map(({ id, namespace, breaker, sentence }) => ({ id, namespace, breaker, sentence }));
  } catch (error) {
    // The row of the agents says why the operator cannot be reached.
    if (!(error instanceof CliError)) throw error;
    return [];
  }
}

/** The overrides that force breakers open or closed now. */
async function inForce(target: Target, namespace: string | undefined) {
  const now = Date.now();
  const holds = (await holdsOf(target, namespace, now)) ?? [];
  return holds.map(({ namespace, name, spec, createdAt: at, createdBy: by, expiresAt: until }) => {
    const { action, breakers, reason, selector } = spec;
    const words = forced({ action, by, at, until, reason, partly: selector !== undefined }, now);
    const message = `${words}; to end it now: fuseboard overrides end ${name} -n ${namespace}`;
    return { namespace, name, breakers, reason: action === 'ForceOpen' ? 'ForcedOpen' : 'ForcedClosed', message };
  });
}

const namesOf = (rows: readonly { readonly namespace: string; readonly name: string }[]) =>
  new Set(rows.map(({ namespace, name }) => `${namespace}/${name}`));

/** A summary of the statuses of policies. */
function summarize(policies: readonly StoredPolicy[]) {
  const sum = (read: (policy: StoredPolicy) => number | undefined) =>
    policies.reduce((total, policy) => total + (read(policy) ?? 0), 0);
  const refused = policies.filter(({ status }) => statusOf(status, 'Accepted') === 'False').length;
  const programmed = policies.filter(({ status }) => statusOf(status, 'Programmed') === 'True').length;
  return {
    policies: { total: policies.length, programmed, refused, others: policies.length - programmed - refused },
    /** Number of policies with an invalid spec: agents keep the last valid version. */
    invalid: policies.filter(({ status }) => conditionOf(status, 'Accepted')?.reason === 'Invalid').length,
    /** Counts with one entry for each policy and each agent that it selects. */
    rollouts: {
      matched: sum(({ status }) => status.agents?.matched),
      applied: sum(({ status }) => status.agents?.applied),
      rejected: sum(({ status }) => status.agents?.rejected),
      stale: sum(({ status }) => status.agents?.stale),
      guarded: sum(({ status }) => status.agents?.guarded),
    },
    breakers: {
      closed: sum(({ status }) => status.breakers?.closed),
      open: sum(({ status }) => status.breakers?.open),
      halfOpen: sum(({ status }) => status.breakers?.halfOpen),
      shadowOpen: sum(({ status }) => status.breakers?.shadowOpen),
    },
    /** One entry for each problem of a policy. */
    notWell: policies.flatMap(({ namespace, name, status }) =>
      problemsOf(status).map(({ reason, message }) => ({ namespace, name, reason, message })),
    ),
  };
}

function inWords(
  {
    policies,
    agents,
    agentsUnknown,
    rollouts,
    breakers,
    notWell,
    unanswered,
    invalid,
    outages: lasting,
    overrides,
  }: ReturnType<typeof summarize> &
    FleetSummary & {
      readonly outages: Awaited<ReturnType<typeof lastingOutages>>;
      readonly overrides: Awaited<ReturnType<typeof inForce>>;
    },
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
      agents === undefined
        ? `not known: ${agentsUnknown}`
        : parts(
            [agents.connected, 'connected'],
            [agents.connecting, 'connecting'],
            [agents.stale, 'stale'],
            [agents.gone, 'gone'],
            [agents.rejecting, 'rejecting a policy'],
          ).join(', '),
    ],
    [
      'rollouts',
      `${rollouts.applied}/${rollouts.matched} applied${rollouts.rejected > 0 ? `, ${rollouts.rejected} rejected` : ''}${rollouts.guarded > 0 ? `, ${rollouts.guarded} of them within limits of their code` : ''}${rollouts.stale > 0 ? `, ${rollouts.stale} stale` : ''} (one for each policy and agent)${invalid > 0 ? `; agents keep the last valid version of ${count(invalid, 'invalid policy', 'invalid policies')}` : ''}`,
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
  const line = ([what, says]: [string, string]) => `${what.padEnd(11)}${says}\n`;
  const lines = rows.map(line).join('');
  const where = scope === undefined ? '-A' : `-n ${scope}`;
  const sentences = lasting.slice(0, SENTENCES).map(({ sentence }) => `${printable(sentence)}\n`);
  const outages =
    lasting.length === 0
      ? ''
      : `\n${sentences.join('')}${coloured(`${count(lasting.length, 'outage lasts', 'outages last')}: fuseboard outages ${where}`, 'red', terminal)}\n`;
  const forcedColumns = [
    { title: 'breakers', value: (row: (typeof overrides)[number]) => `${row.namespace}/${row.breakers.join(',')}` },
    { title: 'why', value: (row: (typeof overrides)[number]) => row.reason, colour: () => 'yellow' as const },
    { title: 'message', value: (row: (typeof overrides)[number]) => row.message },
  ];
  const forced =
    overrides.length === 0
      ? ''
      : `\n${count(overrides.length, 'override is', 'overrides are')} in force:\n${table(overrides, forcedColumns, terminal)}`;
  if (policies.total === 0) {
    const isUsed = agents !== undefined && Object.values(agents).some((known) => known > 0);
    const fleet = isUsed ? rows.filter(([what]) => what === 'agents' || what === 'breakers').map(line) : [];
    return `${fleet.join('')}${outages}${forced}there are no policies ${within(scope)}${scope === undefined ? '' : '; -A looks in all namespaces'}\n`;
  }
  const silent = unanswered.map((one) => `${coloured(incomplete(one), 'red', terminal)}\n`).join('');
  const news = `${silent}${outages}${forced}`;
  const doubts = [
    ...(others > 0
      ? [`${count(others, 'policy is', 'policies are')} not yet programmed (fuseboard get policies ${where})`]
      : []),
    ...(agents === undefined ? ['agents are not known'] : []),
  ];
  if (notWell.length === 0 && news === '') {
    if (doubts.length === 0) return `${lines}${coloured('all is well', 'green', terminal)}\n`;
    return `${lines}${coloured(`nothing is known to be wrong, but ${doubts.join(' and ')}`, 'yellow', terminal)}\n`;
  }
  if (notWell.length === 0) return `${lines}${news}`;
  const columns = [
    { title: 'policy', value: (row: (typeof notWell)[number]) => `${row.namespace}/${row.name}` },
    { title: 'why', value: (row: (typeof notWell)[number]) => row.reason, colour: () => 'red' as const },
    { title: 'message', value: (row: (typeof notWell)[number]) => row.message },
  ];
  return `${lines}${news}\n${count(namesOf(notWell).size, 'policy', 'policies')} not well:\n${table(notWell, columns, terminal)}`;
}
