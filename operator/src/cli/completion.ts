import { Command } from 'commander';
import type { BreakerRow } from '../core/views/breaker-row.ts';
import type { OutageList } from '../http/admin/answers/outages.ts';
import type { Reach, Target } from './client/target.ts';
import { COMPLETE } from './completion-scripts.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { onTarget, type ScopeFlags, scopeOf } from './target-options.ts';
import type { SetExitCode, Terminal } from './terminal.ts';

/** Reads names from a cluster or an operator. */
type Names = (target: Target, scope: string | undefined) => Promise<readonly string[]>;

const breakers: Names = async (target, namespace) => {
  const operator = await target.operator();
  const { items } = await operator.get<{ items: readonly BreakerRow[] }>('/v1/breakers', { namespace });
  return items.map(({ breaker }) => breaker);
};
const policies: Names = async (target, scope) => (await target.policies(scope)).map(({ name }) => name);
const overrides: Names = async (target, scope) => (await target.overrides(scope)).map(({ name }) => name);
const agents: Names = async (target, namespace) => {
  const operator = await target.operator();
  const { items } = await operator.get<{ items: readonly { instance: string }[] }>('/v1/agents', { namespace });
  return items.map(({ instance }) => instance);
};
const outages: Names = async (target, namespace) => {
  const operator = await target.operator();
  const { items } = await operator.get<OutageList>('/v1/outages', { namespace });
  return items.flatMap(({ breaker, id }) => [breaker, id]);
};
const namespaces: Names = async (target) => (await target.policies(undefined)).map(({ namespace }) => namespace);

/** The kind of names in the argument of each command. A test compares the table with the commands. */
export const NAMED: Readonly<Record<string, Names>> = {
  ...{
    'get breakers': breakers,
    'get policies': policies,
    'get agents': agents,
    'get overrides': overrides,
    'get outages': outages,
  },
  ...{
    'describe policy': policies,
    'describe breaker': breakers,
    'describe agent': agents,
    explain: breakers,
    outages,
  },
  ...{ history: policies, rollback: policies, 'overrides end': overrides },
  ...{ 'force-open': breakers, 'force-closed': breakers, reset: breakers },
};

/** A shell does not wait longer for names, in ms. */
const PATIENCE_MS = 2_000;

/** The command that the completion scripts run. `root` contains the commands in the words. */
export function completeLineCommand(
  { out }: Terminal,
  root: () => Command,
  reach: Reach,
  setExitCode: SetExitCode,
): Command {
  return new Command(COMPLETE)
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const last = words.at(-1) ?? '';
      const names = (await namesFor(root(), words, reach)).filter((name) => name.startsWith(last));
      for (const word of [...new Set([...completions(root(), words), ...names])].sort()) out.write(`${word}\n`);
      setExitCode(EXIT_CODES.ok);
    });
}

/** The names that can complete the last word; none when they cannot be read in time. */
async function namesFor(root: Command, words: readonly string[], reach: Reach): Promise<readonly string[]> {
  const { path, given } = placeOf(root, words);
  const names = given === '-n' || given === '--namespace' ? namespaces : NAMED[path];
  const takesValue = given.startsWith('-') && names !== namespaces && given !== '-A' && given !== '--all-namespaces';
  if (names === undefined || takesValue || words.at(-1)?.startsWith('-')) return [];
  const read = onTarget(reach, flagsOf(words.slice(0, -1)), (target) =>
    names(target, scopeOf(flagsOf(words.slice(0, -1)), target)),
  );
  const late = new Promise<readonly string[]>((resolve) => setTimeout(resolve, PATIENCE_MS, []).unref());
  return Promise.race([read, late]).catch(() => []);
}

/** The target flags in the words so far. */
function flagsOf(words: readonly string[]): ScopeFlags {
  const given = (...names: string[]) => {
    for (const [i, word] of words.entries()) {
      if (names.includes(word)) return words[i + 1];
      const long = names.find((name) => word.startsWith(`${name}=`));
      if (long !== undefined) return word.slice(long.length + 1);
    }
    return undefined;
  };
  const flags = {
    server: given('--server') ?? process.env.FUSEBOARD_SERVER,
    kubeconfig: given('--kubeconfig'),
    context: given('--context'),
    operatorNamespace: given('--operator-namespace') ?? process.env.FUSEBOARD_OPERATOR_NAMESPACE,
    namespace: given('-n', '--namespace'),
  };
  const set = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { ...set, ...(words.some((word) => word === '-A' || word === '--all-namespaces') && { allNamespaces: true }) };
}

/** The command in the words, and the word before the last. */
function placeOf(root: Command, words: readonly string[]): { command: Command; path: string; given: string } {
  let command = root;
  const path: string[] = [];
  const before = words.slice(0, -1);
  for (const word of before) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) continue;
    command = next;
    path.push(next.name());
  }
  return { command, path: path.join(' '), given: before.at(-1) ?? '' };
}

/** Completions of the last word: commands, options, and the choices of an option. */
export function completions(root: Command, words: readonly string[]): string[] {
  const last = words.at(-1) ?? '';
  const { command, given } = placeOf(root, words);
  const option = command.options.find(({ long, short }) => given === long || given === short);
  const found =
    option?.argChoices !== undefined
      ? option.argChoices.map((choice) => choice.replace(/=[A-Z]+$/, '='))
      : last.startsWith('-')
        ? command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])
        : [
            ...command.commands.map((one) => one.name()).filter((name) => name !== COMPLETE),
            ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
          ];
  return found.filter((one) => one.startsWith(last)).sort();
}
