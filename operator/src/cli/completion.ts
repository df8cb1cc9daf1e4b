import { Argument, Command } from 'commander';
import { EXIT_CODES } from './exit-codes.ts';
import type { SetExitCode, Terminal } from './terminal.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const EXAMPLES = `
Examples:
  source <(fuseboard completion bash)                   in this shell; put it into ~/.bashrc to keep it
  fuseboard completion zsh > "\${fpath[1]}/_fuseboard"
  fuseboard completion fish | source`;

/** Asked by the scripts, with what is on the line so far; the last word is the one to complete. */
const COMPLETE = 'complete-line';

const SCRIPTS: Record<(typeof SHELLS)[number], string> = {
  bash: `_fuseboard() {
  local IFS=$'\\n'
  COMPREPLY=($(fuseboard ${COMPLETE} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _fuseboard fuseboard
`,
  zsh: `#compdef fuseboard
_fuseboard() {
  local -a found
  found=("\${(@f)$(fuseboard ${COMPLETE} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found || _files
}
compdef _fuseboard fuseboard
`,
  fish: `complete -c fuseboard -f -a '(fuseboard ${COMPLETE} -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

export function completionCommand({ out }: Terminal, setExitCode: SetExitCode): Command {
  return new Command('completion')
    .description('Print a completion script for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: (typeof SHELLS)[number]) => {
      out.write(SCRIPTS[shell]);
      setExitCode(EXIT_CODES.ok);
    });
}

/** Answers the scripts; `root` is the whole command line. */
export function completeLineCommand({ out }: Terminal, root: () => Command, setExitCode: SetExitCode): Command {
  return new Command(COMPLETE)
    .argument('[words...]')
    .allowUnknownOption()
    .action((words: string[]) => {
      for (const word of completions(root(), words)) out.write(`${word}\n`);
      setExitCode(EXIT_CODES.ok);
    });
}

/** What may stand in the place of the last word: commands, options, and the choices of an option. */
export function completions(root: Command, words: readonly string[]): string[] {
  let command = root;
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  for (const word of before) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next) command = next;
  }
  const given = before.at(-1) ?? '';
  const option = command.options.find(({ long, short }) => given === long || given === short);
  const found =
    option?.argChoices !== undefined
      ? option.argChoices
      : last.startsWith('-')
        ? command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])
        : [
            ...command.commands.map((one) => one.name()).filter((name) => name !== COMPLETE),
            ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
          ];
  return found.filter((one) => one.startsWith(last)).sort();
}
