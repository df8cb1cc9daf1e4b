import { setTimeout as wait } from 'node:timers/promises';
import type { OverrideSpec } from '@fuseboard/schema';
import { formatDuration, parseDuration } from '@fuseboard/schema';
import { Command, Option } from 'commander';
import { UsageError } from '../../config/usage-error.ts';
import { matches, parseLabels } from '../../core/policy/selector.ts';
import { incomplete, type Unanswered } from '../client/replicas.ts';
import type { Reach, StoredOverride, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { listBreakers } from '../output/breaker-table.ts';
import { notFound, within } from '../output/not-found.ts';
import { age, type Column, type Format, type ProgramFormat, print, printAs } from '../output/output.ts';
import { answerOutput, listOutput } from '../output/output-option.ts';
import { onTarget, type ScopeFlags, scopeOf, withNamespace, withScope } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

type Action = OverrideSpec['action'];

const COMMANDS: Record<Action, { readonly name: string; readonly about: string; readonly lasts: string }> = {
  ForceOpen: {
    name: 'force-open',
    about: 'Force breakers open for a limited time: they reject every call, whatever their policies say.',
    lasts: '10m',
  },
  ForceClosed: {
    name: 'force-closed',
    about: 'Force breakers closed for a limited time: every call passes, whatever their policies say.',
    lasts: '10m',
  },
  Reset: {
    name: 'reset',
    about: 'Close breakers once and clear their windows; processes that start within the time do the same.',
    lasts: '1m',
  },
};

interface ActFlags extends ScopeFlags {
  readonly reason: string;
  readonly for: string;
  readonly labels?: string;
  readonly wait: boolean;
  readonly allowUnknown?: boolean;
  readonly output: 'text' | ProgramFormat;
}

interface ListFlags extends ScopeFlags {
  readonly output: Format;
}

/** The resource that `-o name` prints before a name; kubectl also accepts the plural. */
const RESOURCE = 'circuitbreakeroverride.fuseboard.dev';
const PRINTED_NAME = /^circuitbreakeroverrides?(\.fuseboard\.dev)?\//;

/** How long a command waits for agents to apply an override before it prints the progress and exits, in ms. */
const PATIENCE_MS = 30_000;
const POLL_MS = 250;

const examples = (name: string) => `
Examples:
  fuseboard ${name} payments -n shop --reason "partner asked for silence, INC-42"
  fuseboard ${name} "partner-*" -n shop -l app=checkout --for 30m --reason "maintenance"

The override ends by itself on every agent, even if the operator is down by then. Required permission: create on circuitbreakeroverrides.`;

/** `force-open`, `force-closed` or `reset`. */
export function actCommand(action: Action, terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  const { name, about, lasts } = COMMANDS[action];
  return withNamespace(new Command(name))
    .description(about)
    .argument('<breakers...>', 'names of breakers as given to getBreaker; a trailing * makes a prefix')
    .requiredOption('--reason <text>', 'the reason, shown to everybody who sees the override')
    .addOption(new Option('--for <time>', 'duration, such as 90s, 10m or 2h').default(lasts))
    .addOption(new Option('-l, --labels <list>', 'only agents with these labels, as k=v,k2=v2'))
    .option('--allow-unknown', 'also for names that no agent has reported and no policy names')
    .addOption(new Option('--no-wait', 'do not wait until agents report that they apply it'))
    .addOption(answerOutput())
    .addHelpText('after', examples(name))
    .action(async (breakers: string[], flags: ActFlags) => {
      const spec = await specOf(action, breakers, flags);
      const code = await onTarget(reach, flags, async (target) => {
        const namespace = flags.namespace ?? target.namespace;
        if (!flags.allowUnknown) await assertKnown(target, namespace, breakers, terminal);
        const made = await target.override(namespace, spec);
        if (flags.output === 'text') return follow(target, made, flags, terminal);
        printAs(made, flags.output, terminal);
        return EXIT_CODES.ok;
      });
      setExitCode(code);
    });
}

/**
 * Refuses unknown breaker names, because most of them are misspelled. Known names come from agents' reports and from
 * policies. When the operator cannot be reached, no name is refused, and a note explains why.
 */
async function assertKnown(target: Target, namespace: string, wanted: readonly string[], { err }: Terminal) {
  let names: string[];
  let missing: Unanswered | undefined;
  try {
    const { items, unanswered } = await listBreakers(target, namespace);
    missing = unanswered[0];
    const policies = await target.policies(namespace);
    const spelled = policies.flatMap(({ spec }) => spec?.breakers ?? []).filter((name) => !name.endsWith('*'));
    names = [...new Set([...items.map(({ breaker }) => breaker), ...spelled])];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    err.write(`whether there are breakers of this name is not known: ${error.message}\n`);
    return;
  }
  const unknown = wanted.find((pattern) => !names.some((name) => matches(pattern, name)));
  if (unknown === undefined) return;
  if (missing !== undefined) {
    err.write(`whether there is a breaker "${unknown}" is not known: ${incomplete(missing)}\n`);
    return;
  }
  const { message } = notFound('breaker', unknown, namespace, names);
  throw new CliError(
    EXIT_CODES.problems,
    `${message.endsWith('?') ? message : `${message}.`} Nothing was changed; give --allow-unknown to do it anyway`,
  );
}

async function specOf(
  action: Action,
  breakers: readonly string[],
  { reason, for: duration, labels }: ActFlags,
): Promise<OverrideSpec> {
  if (parseDuration(duration) === undefined) {
    throw new UsageError(`--for: "${duration}" is not a time from 1ms to 24h; give one such as 10m`);
  }
  if (reason.trim() === '') throw new UsageError('--reason: must not be empty; say why');
  let matchLabels: Record<string, string> = {};
  try {
    matchLabels = parseLabels(labels ?? '');
  } catch (error) {
    throw new UsageError(`--${(error as Error).message}`);
  }
  const selector = Object.keys(matchLabels).length > 0 ? { selector: { matchLabels } } : {};
  const spec = { breakers: [...breakers], ...selector, action, reason, duration };
  // The schema takes long to load, and a Tab after this command does not need it.
  const { overrideProblems } = await import('@fuseboard/schema/override');
  const [problem] = overrideProblems(spec);
  if (problem === undefined) return spec;
  const [, index] = /^spec\.breakers\[(\d+)\]$/.exec(problem.field) ?? [];
  const where = index === undefined ? problem.field.replace(/^spec\./, '') : `"${breakers[Number(index)]}"`;
  throw new UsageError(`${where}: ${problem.message}`);
}

/** Prints the created override and the agents that apply it. */
async function follow(target: Target, made: StoredOverride, flags: ActFlags, { out, err }: Terminal): Promise<number> {
  const { namespace, name, expiresAt, spec } = made;
  const lasts = formatDuration(Math.max(1_000, Math.round((expiresAt - Date.now()) / 1_000) * 1_000));
  out.write(`override ${namespace}/${name}: ${spec.action} of ${spec.breakers.join(', ')} for ${lasts}\n`);
  out.write(`end it early: fuseboard overrides end ${name} -n ${namespace}\n`);
  if (!flags.wait) return EXIT_CODES.ok;
  const until = performance.now() + PATIENCE_MS;
  let printed = '';
  for (;;) {
    const now = (await target.overrides(namespace)).find((one) => one.name === name);
    const applied = now?.status.conditions?.find(({ type }) => type === 'Applied');
    const summary = now?.status.agents?.summary;
    if (applied?.status === 'True') {
      out.write(`applied by ${summary} agents\n`);
      return EXIT_CODES.ok;
    }
    if (applied?.reason === 'NoAgents' || now === undefined) {
      out.write('no connected agent is selected; an agent that connects before the end will apply it\n');
      return EXIT_CODES.ok;
    }
    if (performance.now() > until) {
      throw new CliError(
        EXIT_CODES.problems,
        `not applied by every agent yet: ${applied?.message ?? 'no operator has reported a status'}`,
      );
    }
    if (summary !== undefined && summary !== printed) err.write(`${summary} agents\n`);
    printed = summary ?? printed;
    await wait(POLL_MS);
  }
}

/** Lists overrides, and ends them early. */
export function overridesCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  const list = async (flags: ListFlags) => {
    await onTarget(reach, flags, async (target) => {
      const scope = scopeOf(flags, target);
      printOverrides(await target.overrides(scope), { scope, format: flags.output }, terminal);
    });
    setExitCode(EXIT_CODES.ok);
  };
  const listed = (command: Command) => withScope(command).addOption(listOutput()).action(list);
  return new Command('overrides')
    .description('List overrides: breakers, action, author, reason and end. Or end one early.')
    .addCommand(listed(new Command('list').description('List overrides.')), { isDefault: true })
    .addCommand(
      withNamespace(new Command('end'))
        .description('End an override now; its breakers return to their policies.')
        .argument('<name>', 'the name of the override, also as -o name prints it')
        .action(async (given: string, flags: ScopeFlags) => {
          const name = given.replace(PRINTED_NAME, '');
          await onTarget(reach, flags, async (target) => {
            const namespace = flags.namespace ?? target.namespace;
            if (await target.endOverride(namespace, name)) {
              terminal.out.write(`override ${namespace}/${name} has ended\n`);
              return;
            }
            const names = (await target.overrides(namespace)).map((one) => one.name);
            throw notFound('override', name, namespace, names);
          });
          setExitCode(EXIT_CODES.ok);
        }),
    );
}

export function printOverrides(
  rows: readonly StoredOverride[],
  { scope, format }: { readonly scope: string | undefined; readonly format: Format },
  terminal: Terminal,
): void {
  const name = (row: StoredOverride) => `${RESOURCE}/${row.name}`;
  const nothing = `there are no overrides ${within(scope)}`;
  print(rows, { columns: columns(scope), nothing, name }, format, terminal);
}

function columns(scope: string | undefined): Column<StoredOverride>[] {
  const now = Date.now();
  return [
    ...(scope === undefined ? [{ title: 'namespace', value: (row: StoredOverride) => row.namespace }] : []),
    { title: 'name', value: ({ name }) => name },
    { title: 'breakers', value: ({ spec }) => spec.breakers.join(',') },
    { title: 'action', value: ({ spec }) => spec.action },
    {
      title: 'phase',
      value: ({ status }) => status.phase ?? 'Unknown',
      colour: ({ status }) => (status.phase === 'Ended' ? 'dim' : undefined),
    },
    { title: 'applied', value: ({ status }) => status.agents?.summary ?? '' },
    {
      title: 'ends',
      value: ({ expiresAt }) => (expiresAt > now ? `in ${age(expiresAt - now)}` : `${age(now - expiresAt)} ago`),
    },
    { title: 'by', value: ({ createdBy }) => createdBy ?? '' },
    { title: 'reason', value: ({ spec }) => spec.reason ?? '' },
  ];
}
