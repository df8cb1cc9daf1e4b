import { Command } from 'commander';
import { stringify } from 'yaml';
import { explain } from '../../core/policy/explain.ts';
import { routingOf } from '../../core/policy/routing.ts';
import { printable } from '../../core/printable.ts';
import { libraryOf } from '../../core/views/agent-library.ts';
import type { ListedAgent } from '../../http/admin/answers/agents.ts';
import type { ListedBreaker } from '../../http/admin/answers/live.ts';
import type { ListedOutage } from '../../http/admin/answers/outages.ts';
import { incomplete, tellUnanswered } from '../client/replicas.ts';
import type { Reach, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { listAgents } from '../output/agent-list.ts';
import { colourOfState, lastsFor, listBreakers, thresholdColumn } from '../output/breaker-table.ts';
import { notFound, policyNamed } from '../output/not-found.ts';
import { causeOf, linksFor, listOutages } from '../output/outage-list.ts';
import { age, coloured, table } from '../output/output.ts';
import { onTarget, type ScopeFlags, withNamespace } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard describe policy payments -n shop            conditions, agents, breakers and spec
  fuseboard describe breaker payments -n shop           its state on each agent, counts and transitions
  fuseboard describe agent checkout-7d9f/12/0 -n shop   which policy governs each of its breakers, and why`;

type Describe = (target: Target, namespace: string, name: string, terminal: Terminal) => Promise<string>;

export function describeCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  const command = new Command('describe')
    .description('Show details of a policy, a breaker or an agent.')
    .addHelpText('after', EXAMPLES);
  const add = (name: string, about: string, describe: Describe) =>
    command.addCommand(
      withNamespace(new Command(name))
        .description(about)
        .argument('<name>', 'its name')
        .action(async (wanted: string, flags: ScopeFlags) => {
          await onTarget(reach, flags, async (target) => {
            terminal.out.write(await describe(target, flags.namespace ?? target.namespace, wanted, terminal));
          });
          setExitCode(EXIT_CODES.ok);
        }),
    );
  add('policy', 'A policy: conditions, agents, breakers and spec.', policy);
  add('breaker', 'A breaker across all agents: state, counts and transitions.', breaker);
  add('agent', 'An agent: which policy governs each of its breakers, and why.', agent);
  return command;
}

const facts = (rows: readonly (readonly [string, string])[]) => {
  const width = Math.max(...rows.map(([title]) => title.length)) + 3;
  return rows.map(([title, value]) => `${`${title}:`.padEnd(width)}${value}\n`).join('');
};

const indented = (text: string) => text.replace(/^(?=.)/gm, '  ');

const policy: Describe = async (target, namespace, name, terminal) => {
  const found = await policyNamed(target, namespace, name);
  const { status, spec, generation, createdAt, uid } = found;
  const { conditions = [], agents, rejections = [] } = status;
  const head = facts([
    ['Policy', `${namespace}/${name}`],
    ['Generation', `${generation} (status observed ${status.observedGeneration ?? 'none'})`],
    ...(createdAt > 0 ? [['Created', `${age(Date.now() - createdAt)} ago`] as const] : []),
    [
      'Agents',
      agents === undefined
        ? 'nothing is known'
        : `${agents.summary} applied, ${agents.rejected} rejected, ${agents.stale} stale${agents.guarded ? `; ${agents.guarded} within limits of their code` : ''}`,
    ],
    ...(await outageFacts(target, namespace, (outage) => outage.uid === uid)),
    ...(found.links ?? []).flatMap(({ kind, url }) =>
      url === undefined ? [] : [[titled(kind), printable(url)] as const],
    ),
  ]);
  const conditionTable = table(
    conditions,
    [
      { title: 'type', value: ({ type }) => type },
      {
        title: 'status',
        value: ({ status }) => status,
        colour: ({ status }) => (status === 'True' ? 'green' : status === 'False' ? 'red' : 'yellow'),
      },
      { title: 'reason', value: ({ reason }) => reason },
      { title: 'for', value: ({ lastTransitionTime }) => age(Date.now() - Date.parse(lastTransitionTime)) },
      { title: 'message', value: ({ message }) => message },
    ],
    terminal,
  );
  const refused = rejections.map(({ agent, field, message }) => `  ${agent}: ${field}: ${message}\n`);
  const mine = await rowsOf(target, namespace, terminal, (row) => row.uid === uid);
  return [
    head,
    conditions.length > 0 ? `Conditions:\n${indented(conditionTable)}` : '',
    refused.length > 0 ? `Rejections:\n${refused.join('')}` : '',
    mine,
    `Spec:\n${indented(stringify(spec ?? null))}`,
  ].join('');
};

const titled = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** Nothing where the operator cannot be reached or the user may not read; every other error is thrown. */
function noneIfRefused(error: unknown): [] {
  if (!(error instanceof CliError)) throw error;
  return [];
}

/** The outages that last or have just ended, and the last one otherwise: each in a sentence, and its cause. */
async function outageFacts(
  target: Target,
  namespace: string,
  wanted: (outage: ListedOutage) => boolean,
): Promise<(readonly [string, string])[]> {
  const listed = await listOutages(target, namespace).catch(noneIfRefused);
  const own = 'items' in listed ? listed.items.filter(wanted) : [];
  const current = own.filter(({ phase }) => phase !== 'over');
  if (current.length === 0) return own.slice(0, 1).map(({ sentence }) => ['Last outage', printable(sentence)] as const);
  return current.flatMap((outage) => [
    ['Outage', printable(outage.sentence)] as const,
    ['Cause', `${causeOf(outage)}, first on ${outage.instance}`] as const,
  ]);
}

/** The breakers in the operator's answer, or a line with the reason why it cannot be reached. */
async function rowsOf(
  target: Target,
  namespace: string,
  terminal: Terminal,
  wanted: (row: ListedBreaker) => boolean,
): Promise<string> {
  try {
    const { at, items, unanswered } = await listBreakers(target, namespace);
    const missing = unanswered.map((one) => `  ${incomplete(one)}\n`).join('');
    const rows = items.filter(wanted);
    if (rows.length === 0) return `Breakers:     none was reported\n${missing}`;
    const columns = [
      { title: 'breaker', value: ({ breaker }: ListedBreaker) => breaker },
      { title: 'state', value: ({ state }: ListedBreaker) => state, colour: colourOfState },
      { title: 'for', value: (row: ListedBreaker) => age(lastsFor(row, at)) },
      { title: 'agents', value: ({ agents }: ListedBreaker) => String(agents) },
      { title: 'window', value: thresholdColumn },
    ];
    return `Breakers:\n${indented(table(rows, columns, terminal))}${missing}`;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return `Breakers:     not known: ${error.message}\n`;
  }
}

const breaker: Describe = async (target, namespace, name, terminal) => {
  const { at, items, unanswered } = await listBreakers(target, namespace);
  const rows = items.filter((row) => row.breaker === name);
  const names = items.map((row) => row.breaker);
  if (rows.length === 0) throw notFound('breaker', name, namespace, names, unanswered);
  tellUnanswered(unanswered, terminal);
  const policies = await target.policies(namespace).catch(noneIfRefused);
  const blocks = await Promise.all(
    rows.map(async (row) => {
      const { states, unwell, lastError, window, changes, policy: governing, mode, agents, since, heard } = row;
      const head = facts([
        ['Breaker', `${namespace}/${name}`],
        ['Policy', governing === undefined ? 'none; the defaults of the code apply' : `${governing}, ${mode}`],
        ['State', `${coloured(row.state, colourOfState(row), terminal)} for ${age(at - since)}`],
        ...(await outageFacts(target, namespace, (outage) => outage.circuit === row.id)),
        ...(lastError === undefined
          ? []
          : [['Last failure', printable(`${lastError.name}: ${lastError.message}`)] as const]),
        [
          'Agents',
          `${agents}: ${states.closed} closed, ${states.open} open, ${states.halfOpen} half-open, ${states.shadowOpen} open in shadow`,
        ],
        ...(unwell.length > 0 ? [['Not closed on', unwell.join(', ')] as const] : []),
        ['Window', thresholdColumn(row)],
        ['Rejected', `${window.rejected} in the window`],
        ['Heard', `${age(at - heard)} ago`],
        ...policies
          .filter(({ uid }) => uid === row.uid)
          .flatMap((own) => linksFor(own, name).map(([kind, url]) => [titled(kind), url] as const)),
      ]);
      const lines = changes.map(
        ({ at: when, from, to, reason, instance }) =>
          `  ${age(at - when)} ago  ${from} -> ${to} on ${instance}: ${reason}\n`,
      );
      return `${head}${lines.length > 0 ? `Transitions:\n${lines.join('')}` : ''}`;
    }),
  );
  return blocks.join('\n');
};

const agent: Describe = async (target, namespace, name, terminal) => {
  const is = (one: ListedAgent) => one.instance === name || one.boot === name;
  const byName = await listAgents(target, namespace, name);
  const { items, unanswered } = byName.items.some(is) ? byName : await listAgents(target, namespace);
  const found = items.find(is);
  const names = items.map((one) => one.instance);
  if (found === undefined) throw notFound('agent', name, namespace, names, unanswered);
  const { instance, service, labels, state, connected, silentMs, revision, guarded = [] } = found;
  const library = libraryOf(found);
  const routings = (await target.policies(namespace)).flatMap((one) => routingOf(one) ?? []);
  const head = facts([
    ['Agent', `${namespace}/${instance}`],
    ['Service', service],
    ['Library', library ?? 'not known'],
    ['State', `${state}${connected ? '' : ', no stream'}, heard ${age(silentMs)} ago`],
    [
      'Runs',
      revision.applied === revision.wanted
        ? `what it should${guarded.length > 0 ? ', within limits of its code' : ''}`
        : `${revision.applied ?? 'nothing'}, and should run ${revision.wanted ?? 'nothing'}`,
    ],
    ...guarded.map(
      ({ kind, name: limited, by }) => ['Guard', `limits ${kind} "${limited}": ${by.join(', ')}`] as const,
    ),
    [
      'Labels',
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || 'none',
    ],
  ]);
  const lines = found.breakers.map(({ name: one, state: is }) => {
    const { winner, candidates } = explain(routings, labels, one);
    const why = candidates.find(({ governs }) => governs)?.reason ?? 'no policy names it and selects this agent';
    const colour = is === 'open' ? 'red' : is === 'half-open' ? 'yellow' : undefined;
    return `  ${one}: ${coloured(is, colour, terminal)}; ${winner === undefined ? 'the defaults of the code' : `policy "${winner}"`}: ${why}\n`;
  });
  return `${head}Breakers:${lines.length > 0 ? `\n${lines.join('')}` : '     none was reported\n'}`;
};
