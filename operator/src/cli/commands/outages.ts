import { Command, Option } from 'commander';
import { count } from '../../core/count.ts';
import { instant } from '../../core/instant.ts';
import { isLasting } from '../../core/outages/outage-row.ts';
import { forced } from '../../core/outages/sentence.ts';
import { SERIES_COLUMNS } from '../../core/outages/series.ts';
import { printable } from '../../core/printable.ts';
import type { ListedOutage, OutageDetail } from '../../http/admin/answers/outages.ts';
import { askReplicas, tellUnanswered } from '../client/replicas.ts';
import type { Reach, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { notFound, within } from '../output/not-found.ts';
import { causeOf, linksFor, listOutages } from '../output/outage-list.ts';
import { age, type Colour, type Column, type Format, isForPrograms, print, printAs } from '../output/output.ts';
import { listOutput } from '../output/output-option.ts';
import { sparkLine } from '../output/spark-line.ts';
import { onTarget, type ScopeFlags, scopeOf, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard outages -A                                  what is refused now, and what was in the last 24 hours
  fuseboard outages payments -n shop                    the last outage of a breaker, with its plot
  fuseboard outages -A --exit-code                      exits with 1 while calls are refused, for a pipeline`;

interface Flags extends ScopeFlags {
  readonly output: Format;
  readonly exitCode?: boolean;
}

const PLOT_WIDTH = 60;

export function outagesCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withScope(new Command('outages'))
    .description('Show what is refused now, and the outages of the last 24 hours.')
    .argument('[outage]', 'show only this one, with its plot: an id, or a breaker for its last outage')
    .addOption(listOutput())
    .addOption(new Option('--exit-code', 'exit with 1 while an outage lasts'))
    .addHelpText('after', EXAMPLES)
    .action(async (wanted: string | undefined, flags: Flags) => {
      const lasting = await onTarget(reach, flags, async (target) => {
        const scope = scopeOf(flags, target);
        const { at, items, unanswered } = await listOutages(target, scope);
        tellUnanswered(unanswered, terminal);
        if (wanted === undefined) {
          printOutages(items, { at, scope, format: flags.output }, terminal);
          return items.some(({ phase }) => phase !== 'over');
        }
        const found = items.find(({ id }) => id === wanted) ?? items.find(({ breaker }) => breaker === wanted);
        if (found === undefined) {
          const names = items.flatMap(({ id, breaker }) => [breaker, id]);
          throw notFound('outage of the last 24 hours', wanted, scope, names);
        }
        const path = `/v1/outages/${encodeURIComponent(found.namespace)}/${encodeURIComponent(found.id)}`;
        // An outage id is known only to the replica that saw its start, so every replica is asked.
        const details = await askReplicas(target, (admin) => admin.get<OutageDetail>(path));
        const detail = { ...details.answers[0]!, outage: found };
        if (isForPrograms(flags.output)) printAs(detail, flags.output, terminal);
        else terminal.out.write(described(detail, await linksOf(target, found)));
        return detail.outage.phase !== 'over';
      });
      setExitCode(flags.exitCode && lasting ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}

/** Prints outages: for people, a sentence for each that lasts, and a table of all. */
export function printOutages(
  items: readonly ListedOutage[],
  { at, scope, format }: { at: number; scope: string | undefined; format: Format },
  terminal: Terminal,
): void {
  const colours: Partial<Record<ListedOutage['phase'], Colour>> = {
    refused: 'red',
    testing: 'yellow',
    closed: 'green',
  };
  if (format === 'text' || format === 'wide') {
    const lasting = items.filter(({ phase }) => phase !== 'over');
    for (const { sentence } of lasting) terminal.out.write(`${sentence}\n`);
    if (lasting.length > 0) terminal.out.write('\n');
  }
  const columns: Column<ListedOutage>[] = [
    ...(scope === undefined ? [{ title: 'namespace', value: (row: ListedOutage) => row.namespace }] : []),
    { title: 'breaker', value: ({ breaker }) => breaker },
    { title: 'state', value: ({ phase }) => phase, colour: ({ phase }) => colours[phase] },
    { title: 'began', value: ({ began }) => instant(began) },
    { title: 'lasted', value: ({ began, closed = at }) => age(closed - began) },
    { title: 'refused', value: ({ refused }) => String(refused) },
    { title: 'agents', value: ({ hit, agents }) => `${hit}/${agents}` },
    { title: 'first cause', value: causeOf },
    ...(items.some(({ held }) => held !== undefined)
      ? [
          {
            title: 'override',
            value: ({ held }: ListedOutage) => (held === undefined ? '' : overrideCell(held, at)),
          },
        ]
      : []),
    { title: 'id', value: ({ id }) => id },
    { title: 'policy', value: ({ policy }) => policy ?? '(code)', wide: true },
    { title: 'fallback', value: ({ fallback }) => String(fallback), wide: true },
    { title: 'attempts', value: ({ attempts }) => String(attempts), wide: true },
    { title: 'first on', value: ({ instance }) => instance, wide: true },
  ];
  const nothing = `nothing is refused, and nothing was in the last 24 hours ${within(scope)}`;
  print(items, { columns, nothing, name: ({ id }) => `outage/${id}` }, format, terminal);
}

/** The sentence above the list gives the reason. */
const overrideCell = ({ reason: _, ...held }: NonNullable<ListedOutage['held']>, at: number) =>
  `${held.name}: ${forced(held, at)}`;

/** The links of the policy of an outage; none where the policy cannot be read. */
async function linksOf(target: Target, { namespace, policy, breaker }: ListedOutage): Promise<[string, string][]> {
  try {
    const found = policy === undefined ? undefined : await target.policy(namespace, policy);
    return found === undefined ? [] : linksFor(found, breaker);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [];
  }
}

/** What can be done in an outage that lasts. */
function commandsFor({ namespace, breaker, held }: ListedOutage): [string, string][] {
  const name = /^[\w./-]+$/.test(breaker) ? breaker : `'${breaker.replaceAll("'", `'\\''`)}'`;
  if (held !== undefined) return [['next', `fuseboard overrides end ${held.name} -n ${namespace} (ends the override)`]];
  return [
    ['next', `fuseboard describe breaker ${name} -n ${namespace} (agents, last failure, transitions)`],
    ['', `fuseboard force-closed ${name} -n ${namespace} --for 5m --reason "…" (lets every call pass)`],
    ['', `fuseboard force-open ${name} -n ${namespace} --for 5m --reason "…" (lets no call test it)`],
  ];
}

function described({ outage, series }: OutageDetail, links: readonly [string, string][]): string {
  const { sentence, namespace, policy, began, closed, instance, refused, fallback, attempts, reopened } = outage;
  const facts: [string, string][] = [
    ['namespace', namespace],
    ['policy', policy ?? '(code)'],
    ['began', instant(began)],
    ...(closed === undefined ? [] : [['closed', instant(closed)] as [string, string]]),
    ['cause', `${causeOf(outage)}, first on ${instance}`],
    ['refused', `${count(refused, 'call')}; a fallback answered ${count(fallback, 'call')}, refused or failed`],
    ['recovery', `${count(attempts, 'attempt')}, ${reopened} failed`],
    ...outage.services.map(({ service, hit, agents }): [string, string] => [
      'service',
      `${service}: ${hit} of ${count(agents, 'agent')}`,
    ]),
    ...outage.actions.map(({ at, action, by, reason }): [string, string] => [
      'override',
      `${instant(at)} ${action}${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : `: ${reason}`}`,
    ]),
    ...links,
    ...(isLasting(outage) ? commandsFor(outage) : []),
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(11)}${printable(value)}\n`).join('');
  const { begin, slotMs, values } = series;
  const plots = (['calls', 'failed', 'rejected', 'open'] as const).map((name) => {
    const column = SERIES_COLUMNS.indexOf(name);
    const own = values.filter((_, i) => i % SERIES_COLUMNS.length === column);
    return `${name.padEnd(11)}|${sparkLine(own, PLOT_WIDTH)}| most ${Math.max(0, ...own)} in ${age(slotMs)}\n`;
  });
  const slots = values.length / SERIES_COLUMNS.length;
  const axis = `${' '.repeat(11)} ${instant(begin)} to ${instant(begin + slots * slotMs)}\n`;
  return `${sentence}\n\n${lines}\n${plots.join('')}${axis}`;
}
