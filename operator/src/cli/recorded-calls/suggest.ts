import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_CODES } from '../exit-codes.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { type CallOptions, callsRequest, simulated, withCallOptions } from './call-options.ts';

const EXAMPLES = `
Examples:
  fuseboard suggest --calls access.log.gz                             a policy for each breaker, with its reasons
  fuseboard suggest --calls recording.ndjson --against payments.yaml  whether that is better than what is in force
  fuseboard suggest --calls access.log --breaker payments > payments.yaml

All but the policy is a comment, so the answer can be applied as it is: it begins in Shadow.`;

interface Options extends CallOptions {
  readonly against?: string[];
  readonly falseOpenings?: number;
  readonly output: 'text' | 'json' | 'yaml';
}

export function suggestCommand(terminal: Terminal, setExitCode: SetExitCode): Command {
  const command = new Command('suggest').description(
    'Propose a policy from recorded calls, with a figure for each number, or say what is missing.',
  );
  return withCallOptions(command)
    .option('--against <policies...>', 'the policies in force: what is hardly better is not suggested')
    .option(
      '--false-openings <rate>',
      'how often a process may open falsely, such as 1/month; absent: 1/month',
      perMonth,
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json', 'yaml']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async ({ against, falseOpenings, output, ...calls }: Options) => {
      const { text } = await simulated((simulator) =>
        simulator.runSuggest({
          ...callsRequest(calls, terminal, simulator),
          output,
          ...(against === undefined ? {} : { against }),
          ...(falseOpenings === undefined ? {} : { falseOpeningsPerMonth: falseOpenings }),
        }),
      );
      terminal.out.write(text);
      setExitCode(EXIT_CODES.ok);
    });
}

const A_MONTH: Readonly<Record<string, number>> = { day: 30, week: 30 / 7, month: 1, year: 30 / 365 };

function perMonth(text: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\/(\w+)$/.exec(text) ?? [];
  const times = A_MONTH[unit];
  if (count === undefined || times === undefined || Number(count) === 0) {
    throw new InvalidArgumentError('give a number above 0 and day, week, month or year, such as 1/month.');
  }
  return Number(count) * times;
}
