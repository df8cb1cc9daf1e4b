import { Argument, Command } from 'commander';
import { EXIT_CODES } from './exit-codes.ts';
import type { SetExitCode, Terminal } from './terminal.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const EXAMPLES = `
Examples:
  source <(fuseboard completion bash)                   in this shell; put it into ~/.bashrc to keep it
  fuseboard completion zsh > "\${fpath[1]}/_fuseboard"
  fuseboard completion fish | source`;

/** The command that the scripts run with the words of the current line. The last word is the one to complete. */
export const COMPLETE = 'complete-line';

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
