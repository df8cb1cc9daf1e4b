import type { SimulateOutput } from '@fuseboard/simulator';
import { Command, Option } from 'commander';
import { EXIT_CODES } from '../exit-codes.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { type CallOptions, callsRequest, simulated, withCallOptions } from './call-options.ts';

const EXAMPLES = `
Examples:
  fuseboard simulate payments.yaml --calls access.log.gz              what it would have done
  fuseboard simulate new.yaml --against old.yaml hystrix --calls recording.ndjson
  fuseboard simulate payments.yaml --calls last-month.log --expect 'falseOpeningsPerDay<=0.03' 'detection<=10s'
  fuseboard simulate payments.yaml --calls access.log -o html > report.html

Exits with 1 when an expectation was not met.`;

interface Options extends CallOptions {
  readonly against?: string[];
  readonly expect?: string[];
  readonly output: SimulateOutput;
}

export function simulateCommand(terminal: Terminal, setExitCode: SetExitCode): Command {
  const command = new Command('simulate')
    .description('Replay recorded calls through policies: when they would have opened, what that spares and costs.')
    .argument(
      '<policies...>',
      'policy files, or the defaults of a library: resilience4j, hystrix, opossum, polly, pybreaker',
    );
  return withCallOptions(command)
    .option('--against <policies...>', 'policies to compare with, such as those in force')
    .option(
      '--expect <figures...>',
      'what has to hold for each policy named first, such as detection<=10s or spared>=80%',
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['text', 'json', 'yaml', 'html', 'svg'])
        .default('text'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (policies: string[], { against, expect, output, ...calls }: Options) => {
      const { text, isMet } = await simulated((simulator) =>
        simulator.runSimulate({
          ...callsRequest(calls, terminal, simulator),
          policies,
          output,
          width: terminal.out.columns ?? 100,
          ...(against === undefined ? {} : { against }),
          ...(expect === undefined ? {} : { expect }),
        }),
      );
      terminal.out.write(text);
      setExitCode(isMet ? EXIT_CODES.ok : EXIT_CODES.problems);
    });
}
