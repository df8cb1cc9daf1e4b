import { Command } from 'commander';
import { compareText } from '../../core/policy/compare-text.ts';
import type { BreakerRow } from '../../core/views/breaker-row.ts';
import type { ListedAgent } from '../../http/admin/answers/agents.ts';
import { tellUnanswered, type Unanswered } from '../client/replicas.ts';
import type { Reach, StoredPolicy, Target } from '../client/target.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { listAgents } from '../output/agent-list.ts';
import { breakerColumns, listHeldBreakers } from '../output/breaker-table.ts';
import { notFound, within } from '../output/not-found.ts';
import { listOutages } from '../output/outage-list.ts';
import { age, type Column, type Format, isForPrograms, print } from '../output/output.ts';
import { listOutput } from '../output/output-option.ts';
import { colourOf, statusOf } from '../output/status-columns.ts';
import { onTarget, type ScopeFlags, scopeOf, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { printOutages } from './outages.ts';
import { printOverrides } from './overrides.ts';

interface Flags extends ScopeFlags {
  readonly output: Format;
}

const EXAMPLES = `
Examples:
  fuseboard get breakers -A                             every breaker, worst first
  fuseboard get policies -n shop -o wide
  fuseboard get agents --server http://127.0.0.1:8702 -o json`;

export function getCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  const command = new Command('get')
    .description('List policies, agents, breakers, overrides or outages.')
    .addHelpText('after', EXAMPLES);
  const add = (name: string, alias: string, about: string, list: List) =>
    command.addCommand(
      withScope(new Command(name))
        .alias(alias)
        .description(about)
        .argument('[name]', 'show only the one with this name')
        .addOption(listOutput())
        .action(async (wanted: string | undefined, flags: Flags) => {
          await onTarget(reach, flags, async (target) => {
            await list(target, { scope: scopeOf(flags, target), wanted, format: flags.output }, terminal);
          });
          setExitCode(EXIT_CODES.ok);
        }),
    );
  add('breakers', 'breaker', 'Breakers across all agents, worst first, with recent counts.', breakersOf);
  add('policies', 'policy', 'Policies and the agents that run them.', policies);
  add('agents', 'agent', 'Connected processes, and whether they run the current policies.', agents);
  add('overrides', 'override', 'Overrides: breakers, action, author, reason and end.', overrides);
  add('outages', 'outage', 'Outages that last, and those of the last 24 hours.', outages);
  return command;
}

interface Selection {
  /** The namespace; absent: all namespaces. */
  readonly scope: string | undefined;
  readonly wanted: string | undefined;
  readonly format: Format;
}

type List = (target: Target, wanted: Selection, terminal: Terminal) => Promise<void>;

/** The rows with a name, or all rows. Throws when a named row does not exist. */
function named<T>(
  rows: readonly T[],
  what: string,
  { wanted, scope }: Pick<Selection, 'wanted' | 'scope'>,
  nameOf: (row: T) => string,
  unanswered: readonly Unanswered[] = [],
): readonly T[] {
  if (wanted === undefined) return rows;
  const found = rows.filter((row) => nameOf(row) === wanted);
  if (found.length > 0) return found;
  throw notFound(what, wanted, scope, rows.map(nameOf), unanswered);
}

const policies: List = async (target, { scope, wanted, format }, terminal) => {
  const all = (await target.policies(scope)).sort(
    (a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name),
  );
  const rows = named(all, 'policy', { wanted, scope }, ({ name }) => name);
  const now = Date.now();
  const columns: Column<StoredPolicy>[] = [
    ...(scope === undefined ? [{ title: 'namespace', value: (row: StoredPolicy) => row.namespace }] : []),
    { title: 'name', value: ({ name }) => name },
    { title: 'breakers', value: ({ spec }) => (spec?.breakers ?? []).join(',') },
    { title: 'mode', value: ({ spec }) => spec?.mode ?? 'Enforce' },
    {
      title: 'accepted',
      value: ({ status }) => statusOf(status, 'Accepted'),
      colour: ({ status }) => colourOf(status, 'Accepted'),
    },
    {
      title: 'programmed',
      value: ({ status }) => statusOf(status, 'Programmed'),
      colour: ({ status }) => colourOf(status, 'Programmed'),
    },
    { title: 'applied', value: ({ status }) => status.agents?.summary ?? '' },
    {
      title: 'open',
      value: ({ status }) => String(status.breakers?.open ?? 0),
      colour: ({ status }) => ((status.breakers?.open ?? 0) > 0 ? 'red' : undefined),
    },
    { title: 'age', value: ({ createdAt }) => (createdAt === 0 ? '' : age(now - createdAt)) },
    { title: 'generation', value: ({ generation }) => String(generation), wide: true },
    { title: 'uid', value: ({ uid }) => uid, wide: true },
  ];
  const name = (row: StoredPolicy) => `circuitbreakerpolicy.fuseboard.dev/${row.name}`;
  print(rows, { columns, nothing: `there are no policies ${within(scope)}`, name }, format, terminal);
};

/** Named by breaker or by id. */
const outages: List = async (target, { scope, wanted, format }, terminal) => {
  const { at, items, unanswered } = await listOutages(target, scope);
  const rows = items.filter(({ id, breaker }) => wanted === undefined || wanted === id || wanted === breaker);
  const names = items.flatMap(({ id, breaker }) => [breaker, id]);
  if (wanted !== undefined && rows.length === 0) {
    throw notFound('outage of the last 24 hours', wanted, scope, names, unanswered);
  }
  tellUnanswered(unanswered, terminal);
  printOutages(rows, { at, scope, format }, terminal);
};

const overrides: List = async (target, { scope, wanted, format }, terminal) => {
  const rows = named(await target.overrides(scope), 'override', { wanted, scope }, ({ name }) => name);
  printOverrides(rows, { scope, format }, terminal);
};

const agents: List = async (target, { scope, wanted, format }, terminal) => {
  const { items, more, unanswered } = await listAgents(target, scope, wanted);
  const isFound = wanted === undefined || items.some(({ instance }) => instance === wanted);
  // The name is a search word of the operator, which returns nothing similar to a misspelled one.
  const among = isFound ? items : (await listAgents(target, scope)).items;
  const rows = named(among, 'agent', { wanted, scope }, ({ instance }) => instance, unanswered);
  const columns: Column<ListedAgent>[] = [
    ...(scope === undefined ? [{ title: 'namespace', value: (row: ListedAgent) => row.namespace }] : []),
    { title: 'service', value: ({ service }) => service },
    { title: 'instance', value: ({ instance }) => instance },
    { title: 'language', value: ({ language = '-' }) => language },
    { title: 'version', value: ({ version = '-' }) => version },
    { title: 'runtime', value: ({ runtime = '-' }) => runtime, wide: true },
    {
      title: 'state',
      value: ({ state, connected }) => (state === 'live' && !connected ? 'live, no stream' : state),
      colour: ({ state }) => (state === 'live' ? undefined : 'yellow'),
    },
    {
      title: 'up to date',
      value: ({ revision }) => (revision.applied === revision.wanted ? 'yes' : 'no'),
      colour: ({ revision }) => (revision.applied === revision.wanted ? undefined : 'yellow'),
    },
    { title: 'breakers', value: ({ breakers }) => String(breakers.length) },
    {
      title: 'open',
      value: ({ breakers }) => String(breakers.filter(({ state }) => state === 'open').length),
      colour: ({ breakers }) => (breakers.some(({ state }) => state === 'open') ? 'red' : undefined),
    },
    { title: 'heard', value: ({ silentMs }) => `${age(silentMs)} ago` },
    {
      title: 'labels',
      value: ({ labels }) =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      wide: true,
    },
    { title: 'boot', value: ({ boot }) => boot, wide: true },
  ];
  const nothing = `no agent is connected ${within(scope)}`;
  const name = ({ instance }: ListedAgent) => `agent/${instance}`;
  print(rows, { columns, nothing, name, about: { unanswered } }, format, terminal);
  tellUnanswered(unanswered, terminal);
  if (more > 0 && !isForPrograms(format)) {
    terminal.err.write(`${more} more are not shown; name a namespace with -n\n`);
  }
};

const breakersOf: List = async (target, { scope, wanted, format }, terminal) => {
  const { at, items, unanswered } = await listHeldBreakers(target, scope);
  const rows = named(items, 'breaker', { wanted, scope }, ({ breaker }) => breaker, unanswered);
  const nothing = `no agent has reported a breaker ${within(scope)}`;
  const name = ({ breaker }: BreakerRow) => `breaker/${breaker}`;
  print(rows, { columns: breakerColumns(scope, at), nothing, name, about: { unanswered } }, format, terminal);
  tellUnanswered(unanswered, terminal);
};
