import { Command, Option } from 'commander';
import { UsageError } from '../../config/usage-error.ts';
import { count } from '../../core/count.ts';
import type { KubeClient } from '../../kube/api/client.ts';
import { type Check, type CheckResult, unknown } from '../checks/check.ts';
import { clusterChecks } from '../checks/cluster-checks.ts';
import { operatorChecks, policyChecks } from '../checks/operator-checks.ts';
import type { Reach, Target, TargetFlags } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { type Colour, coloured, type ProgramFormat, printAs } from '../output/output.ts';
import { answerOutput } from '../output/output-option.ts';
import { onTarget, withTarget } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard check                                       cluster, operator, agents and policies
  fuseboard check --pre                                 what an installation needs, before it
  fuseboard check -o json                               for a pipeline; exits with 1 when something failed`;

interface Flags extends TargetFlags {
  readonly pre?: boolean;
  readonly output: 'text' | ProgramFormat;
}

/**
 * Returns a client of the selected API server. Throws a UsageError with the missing flag when the flags select none.
 */
export type ConnectCluster = (flags: TargetFlags) => KubeClient | Promise<KubeClient>;

export interface CheckWorld {
  readonly reach: Reach;
  readonly connect: ConnectCluster;
  /** The current time, in milliseconds since 1970. */
  readonly wallClock: () => number;
}

export function checkCommand(terminal: Terminal, world: CheckWorld, setExitCode: SetExitCode): Command {
  return withTarget(new Command('check'))
    .description('Check cluster, operator, agents and policies, and say what to do.')
    .addOption(new Option('--pre', 'check what an installation needs, before it'))
    .addOption(answerOutput())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      if (flags.pre && flags.server !== undefined) {
        throw new UsageError('--pre: looks at a cluster; leave out --server');
      }
      const checks = await gather(world, flags);
      if (flags.output === 'text') show(checks, terminal);
      else printAs({ items: checks }, flags.output, terminal);
      setExitCode(checks.some(({ result }) => result === 'failed') ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}

async function gather({ reach, connect, wallClock }: CheckWorld, flags: Flags): Promise<Check[]> {
  const { pre = false, server, operatorNamespace } = flags;
  const checks: Check[] = [];
  if (server === undefined) {
    const client = await connect(flags);
    checks.push(...(await clusterChecks({ client, operatorNamespace, now: wallClock(), pre })));
    const there = ({ name, result }: Check) => (name === 'cluster' || name === 'operator') && result === 'failed';
    if (pre || checks.some(there)) return checks;
  }
  await onTarget(reach, flags, async (target: Target) => {
    checks.push(...(await orUnknown('policies', async () => policyChecks(await target.policies(undefined)))));
    const look = async () => operatorChecks(await target.operator(), undefined, wallClock);
    checks.push(...(await orUnknown('agents', look)));
  });
  return checks;
}

/** Runs checks; a failure to run them becomes an `unknown` result, so that the other checks still run. */
async function orUnknown(name: string, look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const advice = 'name the operator with --server, and give --kubeconfig of a user who may read it';
    return [unknown(name, `not known: ${error.message}`, advice)];
  }
}

const SIGNS: Readonly<Record<CheckResult, { readonly sign: string; readonly colour: Colour }>> = {
  ok: { sign: '√', colour: 'green' },
  warning: { sign: '‼', colour: 'yellow' },
  failed: { sign: '×', colour: 'red' },
  unknown: { sign: '?', colour: 'yellow' },
};

function show(checks: readonly Check[], terminal: Terminal): void {
  for (const { name, result, message, advice } of checks) {
    const { sign, colour } = SIGNS[result];
    terminal.out.write(`${coloured(sign, colour, terminal)} ${name.padEnd(12)} ${message}\n`);
    if (advice !== undefined) terminal.out.write(`${' '.repeat(15)}→ ${advice}\n`);
  }
  const of = (wanted: CheckResult) => checks.filter(({ result }) => result === wanted).length;
  const parts = [
    count(of('failed'), 'failure'),
    count(of('warning'), 'warning'),
    ...(of('unknown') > 0 ? [`${of('unknown')} not known`] : []),
  ];
  terminal.out.write(`${checks.length} checks: ${parts.join(', ')}\n`);
}
