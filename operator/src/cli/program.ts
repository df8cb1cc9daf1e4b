import { Command, CommanderError } from 'commander';
import { UsageError } from '../config/config.ts';
import { VERSION } from '../version.ts';
import type { Reach } from './client/target.ts';
import { checkCommand, type Kubeconfig } from './commands/check.ts';
import { describeCommand } from './commands/describe.ts';
import { explainCommand } from './commands/explain.ts';
import { getCommand } from './commands/get.ts';
import { historyCommand, rollbackCommand } from './commands/history.ts';
import { outagesCommand } from './commands/outages.ts';
import { actCommand, overridesCommand } from './commands/overrides.ts';
import { type Construct, serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { topCommand } from './commands/top.ts';
import { uiCommand } from './commands/ui.ts';
import { watchCommand } from './commands/watch.ts';
import { completeLineCommand, completionCommand } from './completion.ts';
import { CliError, EXIT_CODES } from './exit-codes.ts';
import { safeStream } from './output/safe-stream.ts';
import { diffCommand } from './policy-files/diff.ts';
import { lintCommand } from './policy-files/lint.ts';
import { validateCommand } from './policy-files/validate.ts';
import { simulateCommand } from './recorded-calls/simulate.ts';
import { suggestCommand } from './recorded-calls/suggest.ts';
import type { SetExitCode, Terminal } from './terminal.ts';

/** What connects the commands to the world. */
export interface Adapters {
  readonly construct: Construct;
  readonly reach: Reach;
  readonly kubeconfig: Kubeconfig;
}

const ABOUT = `
Exit codes:
  0    success
  1    problems were found, or the named object does not exist
  2    the command line is invalid
  3    a file, a folder, a port or a server is not available
  141  the reader of the output closed it, as | head does

Every option of serve has an environment variable: --metrics-port is FUSEBOARD_METRICS_PORT.`;

/** The whole command line, without running anything. */
export function commandLine(
  terminal: Terminal,
  { construct, reach, kubeconfig }: Adapters,
  setExitCode: SetExitCode,
): Command {
  const { out, err } = terminal;
  const root: Command = new Command('fuseboard')
    .description('Delivers circuit-breaker policies to processes, and reports which processes run them.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', ABOUT)
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .configureHelp({ helpWidth: 100 })
    .exitOverride()
    .showHelpAfterError('run with --help to see what there is')
    .commandsGroup('See:')
    .addCommand(statusCommand(terminal, reach, setExitCode))
    .addCommand(checkCommand(terminal, { reach, kubeconfig, wallClock: Date.now }, setExitCode))
    .addCommand(outagesCommand(terminal, reach, setExitCode))
    .addCommand(getCommand(terminal, reach, setExitCode))
    .addCommand(explainCommand(terminal, reach, setExitCode))
    .addCommand(describeCommand(terminal, reach, setExitCode))
    .addCommand(topCommand(terminal, reach, setExitCode))
    .addCommand(watchCommand(terminal, reach, setExitCode))
    .addCommand(uiCommand(terminal, reach, setExitCode))
    .addCommand(historyCommand(terminal, reach, setExitCode))
    .commandsGroup('Act:')
    .addCommand(actCommand('ForceOpen', terminal, reach, setExitCode))
    .addCommand(actCommand('ForceClosed', terminal, reach, setExitCode))
    .addCommand(actCommand('Reset', terminal, reach, setExitCode))
    .addCommand(overridesCommand(terminal, reach, setExitCode))
    .addCommand(rollbackCommand(terminal, reach, setExitCode))
    .commandsGroup('Check files:')
    .addCommand(validateCommand(terminal, setExitCode))
    .addCommand(lintCommand(terminal, setExitCode))
    .addCommand(diffCommand(terminal, reach, setExitCode))
    .commandsGroup('Choose thresholds:')
    .addCommand(simulateCommand(terminal, setExitCode))
    .addCommand(suggestCommand(terminal, setExitCode))
    .commandsGroup('Run:')
    .addCommand(serveCommand(terminal, construct, setExitCode))
    .addCommand(completionCommand(terminal, setExitCode))
    .addCommand(
      completeLineCommand(terminal, () => root, setExitCode),
      { hidden: true },
    );
  inherit(root);
  return root;
}

/** Runs a command line to its end; resolves to the exit code. */
export async function program({ args, out, err }: Terminal, adapters: Adapters): Promise<number> {
  const terminal = { args, out: safeStream(out), err: safeStream(err) };
  let code: number = EXIT_CODES.ok;
  const command = commandLine(terminal, adapters, (setExitCode) => {
    code = setExitCode;
  });
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

/** Commands that were made on their own write and fail as the program does. */
function inherit(command: Command): void {
  for (const each of command.commands) {
    each.copyInheritedSettings(command);
    inherit(each);
  }
}
