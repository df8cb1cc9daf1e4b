import { Command, CommanderError } from 'commander';
import { UsageError } from '../config/usage-error.ts';
import { VERSION } from '../version.ts';
import type { Reach } from './client/target.ts';
import type { ConnectCluster } from './commands/check.ts';
import type { Construct } from './commands/serve.ts';
import { COMPLETE } from './completion-scripts.ts';
import { CliError, EXIT_CODES } from './exit-codes.ts';
import { safeStream } from './output/safe-stream.ts';
import type { SetExitCode, Terminal } from './terminal.ts';

/** The adapters of commands to the outside world. */
interface Adapters {
  readonly construct: Construct;
  readonly reach: Reach;
  readonly connect: ConnectCluster;
}

/** Loads the adapters, when a command needs one. */
export type LoadAdapters = () => Promise<Adapters>;

const ABOUT = `
Exit codes:
  0    success
  1    problems were found, or the named object does not exist
  2    the command line is invalid
  3    a file, a folder, a port or a server is not available
  141  the reader of the output closed it, as | head does

Every option of serve has an environment variable: --metrics-port is FUSEBOARD_METRICS_PORT.`;

/** The dependencies for creating a command. */
interface Making extends Adapters {
  readonly terminal: Terminal;
  readonly setExitCode: SetExitCode;
}

interface Entry {
  readonly name: string;
  /**
   * The command's term in `fuseboard --help`, which is printed without loading the command. A test compares the two.
   */
  readonly term: string;
  readonly about: string;
  readonly make: (making: Making) => Promise<Command>;
}

const entry = (term: string, about: string, make: Entry['make']): Entry => ({
  ...{ name: term.split(/[ |]/)[0]!, term, about, make },
});

const act = (name: 'ForceOpen' | 'ForceClosed' | 'Reset') => async (making: Making) => {
  const { actCommand } = await import('./commands/overrides.ts');
  return actCommand(name, making.terminal, making.reach, making.setExitCode);
};

/** The commands by group. A command is loaded on demand, because most command lines need only one. */
const GROUPS: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'See:',
    entries: [
      entry(
        'status [options]',
        'Summarize health: policies, the agents that run them, and open circuits.',
        async (making) => {
          const { statusCommand } = await import('./commands/status.ts');
          return statusCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
      entry('check [options]', 'Check cluster, operator, agents and policies, and say what to do.', async (making) => {
        const { checkCommand } = await import('./commands/check.ts');
        return checkCommand(making.terminal, { ...making, wallClock: Date.now }, making.setExitCode);
      }),
      entry(
        'outages [options] [outage]',
        'Show what is refused now, and the outages of the last 24 hours.',
        async (making) => {
          const { outagesCommand } = await import('./commands/outages.ts');
          return outagesCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
      entry('get', 'List policies, agents, breakers, overrides or outages.', async (making) => {
        const { getCommand } = await import('./commands/get.ts');
        return getCommand(making.terminal, making.reach, making.setExitCode);
      }),
      entry(
        'explain [options] <breaker>',
        'Show which policy governs a breaker and why the others do not. Exits with 1 when none does.',
        async (making) => {
          const { explainCommand } = await import('./commands/explain.ts');
          return explainCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
      entry('describe', 'Show details of a policy, a breaker or an agent.', async (making) => {
        const { describeCommand } = await import('./commands/describe.ts');
        return describeCommand(making.terminal, making.reach, making.setExitCode);
      }),
      entry('top [options]', 'Show breakers live, worst first, until Ctrl-C.', async (making) => {
        const { topCommand } = await import('./commands/top.ts');
        return topCommand(making.terminal, making.reach, making.setExitCode);
      }),
      entry('watch [options]', 'Print transitions as they happen, until Ctrl-C.', async (making) => {
        const { watchCommand } = await import('./commands/watch.ts');
        return watchCommand(making.terminal, making.reach, making.setExitCode);
      }),
      entry(
        'ui [options]',
        'Open the page of a cluster in the browser, with the rights of the kubeconfig, until Ctrl-C.',
        async (making) => {
          const { uiCommand } = await import('./commands/ui.ts');
          return uiCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
      entry('history [options] <policy>', 'List the revisions of a policy and what each changed.', async (making) => {
        const { historyCommand } = await import('./commands/history.ts');
        return historyCommand(making.terminal, making.reach, making.setExitCode);
      }),
    ],
  },
  {
    title: 'Act:',
    entries: [
      entry(
        'force-open [options] <breakers...>',
        'Force breakers open for a limited time: they reject every call, whatever their policies say.',
        act('ForceOpen'),
      ),
      entry(
        'force-closed [options] <breakers...>',
        'Force breakers closed for a limited time: every call passes, whatever their policies say.',
        act('ForceClosed'),
      ),
      entry(
        'reset [options] <breakers...>',
        'Close breakers once and clear their windows; processes that start within the time do the same.',
        act('Reset'),
      ),
      entry(
        'overrides',
        'List overrides: breakers, action, author, reason and end. Or end one early.',
        async (making) => {
          const { overridesCommand } = await import('./commands/overrides.ts');
          return overridesCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
      entry('rollback [options] <policy>', 'Restore an earlier spec of a policy.', async (making) => {
        const { rollbackCommand } = await import('./commands/history.ts');
        return rollbackCommand(making.terminal, making.reach, making.setExitCode);
      }),
    ],
  },
  {
    title: 'Check files:',
    entries: [
      entry(
        'validate [options] <files...>',
        'Validate policy files with the rules of the API server and the operator.',
        async (making) => {
          const { validateCommand } = await import('./policy-files/validate.ts');
          return validateCommand(making.terminal, making.setExitCode);
        },
      ),
      entry(
        'lint [options] <files...>',
        'Find values in policy files that are valid and probably wrong.',
        async (making) => {
          const { lintCommand } = await import('./policy-files/lint.ts');
          return lintCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
      entry(
        'diff [options] <files...>',
        'Show what policy files would change, and for which agents, without applying them.',
        async (making) => {
          const { diffCommand } = await import('./policy-files/diff.ts');
          return diffCommand(making.terminal, making.reach, making.setExitCode);
        },
      ),
    ],
  },
  {
    title: 'Choose thresholds:',
    entries: [
      entry(
        'simulate [options] <policies...>',
        'Replay recorded calls through policies: when they would have opened, what that spares and costs.',
        async (making) => {
          const { simulateCommand } = await import('./recorded-calls/simulate.ts');
          return simulateCommand(making.terminal, making.setExitCode);
        },
      ),
      entry(
        'suggest [options]',
        'Propose a policy from recorded calls, with a figure for each number, or say what is missing.',
        async (making) => {
          const { suggestCommand } = await import('./recorded-calls/suggest.ts');
          return suggestCommand(making.terminal, making.setExitCode);
        },
      ),
    ],
  },
  {
    title: 'Run:',
    entries: [
      entry(
        'serve [options]',
        'Run the operator: watch policies, push them to agents, collect their reports.',
        async (making) => {
          const { serveCommand } = await import('./commands/serve.ts');
          return serveCommand(making.terminal, making.construct, making.setExitCode);
        },
      ),
      entry('completion <shell>', 'Print a completion script for a shell.', async (making) => {
        const { completionCommand } = await import('./completion-scripts.ts');
        return completionCommand(making.terminal, making.setExitCode);
      }),
    ],
  },
];

/**
 * Builds the command line without running it.
 *
 * @param wanted the name of the only command to load; the others appear in the help without being loaded. Absent: all
 * are loaded.
 */
export async function commandLine(
  terminal: Terminal,
  load: LoadAdapters,
  setExitCode: SetExitCode,
  wanted?: { readonly name: string | undefined },
): Promise<Command> {
  const { out, err } = terminal;
  const making: Making = {
    terminal,
    setExitCode,
    construct: async (...args) => (await load()).construct(...args),
    reach: async (flags) => (await load()).reach(flags),
    connect: async (flags) => (await load()).connect(flags),
  };
  const entries = GROUPS.flatMap((group) => group.entries);
  const terms = new Map(entries.map(({ name, term }) => [name, term]));
  const root: Command = new Command('fuseboard')
    .description('Delivers circuit-breaker policies to processes, and reports which processes run them.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', ABOUT)
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text), outputError })
    .exitOverride()
    .showHelpAfterError('run with --help for commands and options');
  for (const { title, entries } of GROUPS) {
    root.commandsGroup(title);
    for (const { name, about, make } of entries) {
      const loaded = wanted === undefined || wanted.name === name;
      root.addCommand(loaded ? await make(making) : new Command(name).description(about));
    }
  }
  if (wanted === undefined || wanted.name === COMPLETE || terminal.args[0] === COMPLETE) {
    const { completeLineCommand } = await import('./completion.ts');
    root.addCommand(
      completeLineCommand(terminal, () => root, making.reach, setExitCode),
      { hidden: true },
    );
  }
  root.configureHelp({ helpWidth: 100 });
  inherit(root);
  const term = (command: Command) => terms.get(command.name()) ?? command.createHelp().subcommandTerm(command);
  return root.configureHelp({ helpWidth: 100, ...(wanted !== undefined && { subcommandTerm: term }) });
}

/** The command of a command line: its first word, the word after `help`, or the word after the completion command. */
function wantedOf(args: readonly string[]): string | undefined {
  const words = args.filter((word) => !word.startsWith('-'));
  return words[0] === 'help' || words[0] === COMPLETE ? words[1] : words[0];
}

/** Runs a command line; resolves to the exit code. */
export async function program({ args, out, err }: Terminal, load: LoadAdapters): Promise<number> {
  const terminal = { args, out: safeStream(out), err: safeStream(err) };
  let code: number = EXIT_CODES.ok;
  const setExitCode = (exitCode: number) => {
    code = exitCode;
  };
  const command = await commandLine(terminal, load, setExitCode, { name: wantedOf(args) });
  try {
    await command.parseAsync(terminal.args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    if (error instanceof CliError || error instanceof UsageError) {
      terminal.err.write(`fuseboard: ${error.message}\n`);
      return error instanceof CliError ? error.code : EXIT_CODES.usage;
    }
    throw error;
  }
}

/** The messages of the parser, worded and prefixed as the others. */
function outputError(text: string, write: (text: string) => void): void {
  const worded = text
    .replace(/^error: /, 'fuseboard: ')
    .replace(/\n\(Did you mean (.*)\?\)/, (_, names: string) => `; did you mean ${names}?`)
    .replace(/missing required argument '(.*)'/, 'the argument <$1> is missing')
    .replace(/required option '(.*?)' not specified/, (_, option: string) => `${longName(option)}: is required`)
    .replace(/option '(.*?)' argument missing/, (_, option: string) => `${longName(option)}: needs a value`)
    .replace(
      /(?:option|command-argument) (?:'(-.*?)' argument|value) '(.*)' is invalid(?: for argument '(\w+)')?\. (.)(.*?)\.?\n/s,
      (_, option: string | undefined, value: string, argument: string, first: string, rest: string) =>
        `${option === undefined ? argument : longName(option)}: "${value}" is invalid; ${first.toLowerCase()}${rest}\n`,
    );
  write(worded);
}

const longName = (option: string) => /--[\w-]+/.exec(option)?.[0] ?? option;

/** Copies the output and error settings of a command to its subcommands. */
function inherit(command: Command): void {
  for (const each of command.commands) {
    each.copyInheritedSettings(command);
    inherit(each);
    // After its commands have taken the settings of the root.
    if (each.commands.length > 0) {
      each.showHelpAfterError(`give one of ${each.commands.map((one) => one.name()).join(', ')}`);
    }
  }
}
