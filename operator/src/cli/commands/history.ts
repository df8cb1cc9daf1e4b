import { isDeepStrictEqual } from 'node:util';
import { Command, Option } from 'commander';
import { UsageError } from '../../config/usage-error.ts';
import { changesBetween, type FieldChange, type Revision } from '../../ports/history.ts';
import type { Reach, StoredPolicy } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { policyNamed } from '../output/not-found.ts';
import { age, type Format, print } from '../output/output.ts';
import { listOutput } from '../output/output-option.ts';
import { onTarget, type ScopeFlags, withNamespace } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const HISTORY_EXAMPLES = `
Examples:
  fuseboard history payments -n shop                    what the policy was, the newest first
  fuseboard history payments -n shop -o yaml            with each spec whole`;

const ROLLBACK_EXAMPLES = `
Examples:
  fuseboard rollback payments -n shop                   to the spec before the last edit
  fuseboard rollback payments -n shop --to 3            to revision 3 of fuseboard history

A rollback is a normal edit with your permissions: it makes a new generation, which is pushed to every agent.`;

interface HistoryFlags extends ScopeFlags {
  readonly output: Format;
}

interface RollbackFlags extends ScopeFlags {
  readonly to?: string;
}

interface Row extends Revision {
  readonly current: boolean;
  /** The changes since the previous revision; absent for the oldest stored one. */
  readonly changes?: readonly FieldChange[];
}

export function historyCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withNamespace(new Command('history'))
    .description('List the revisions of a policy and what each changed.')
    .argument('<policy>', 'the name of the policy')
    .addOption(listOutput())
    .addHelpText('after', HISTORY_EXAMPLES)
    .action(async (name: string, flags: HistoryFlags) => {
      await onTarget(reach, flags, async (target) => {
        const policy = await policyNamed(target, flags.namespace ?? target.namespace, name);
        const revisions = await target.history(policy);
        const now = currentOf(policy, revisions);
        const rows = revisions.map((one, i): Row => {
          const before = revisions[i + 1];
          return { ...one, current: one === now, ...(before && { changes: changesBetween(before.spec, one.spec) }) };
        });
        const nothing = `no revision of policy "${name}" is kept`;
        const about = { columns: columns(), nothing, name: ({ revision }: Row) => `revision/${revision}` };
        print(rows, about, flags.output, terminal);
      });
      setExitCode(EXIT_CODES.ok);
    });
}

const columns = () => [
  { title: 'revision', value: ({ revision, current }: Row) => `${revision}${current ? ' (now)' : ''}` },
  { title: 'recorded', value: ({ at }: Row) => `${age(Date.now() - at)} ago` },
  { title: 'changed', value: ({ changes }: Row) => changes?.map(inWords).join(', ') ?? 'the oldest that is kept' },
];

const inWords = ({ field, from, to }: FieldChange) => `${field}: ${shown(from)} -> ${shown(to)}`;

const shown = (value: unknown) => (value === undefined ? 'absent' : JSON.stringify(value));

export function rollbackCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withNamespace(new Command('rollback'))
    .description('Restore an earlier spec of a policy.')
    .argument('<policy>', 'the name of the policy')
    .addOption(new Option('--to <revision>', 'revision from fuseboard history (absent: the one before the last edit)'))
    .addHelpText('after', ROLLBACK_EXAMPLES)
    .action(async (name: string, flags: RollbackFlags) => {
      if (flags.to !== undefined && !/^\d+$/.test(flags.to)) {
        throw new UsageError(`--to: "${flags.to}" is not a revision; give a number that fuseboard history prints`);
      }
      await onTarget(reach, flags, async (target) => {
        const policy = await policyNamed(target, flags.namespace ?? target.namespace, name);
        const revisions = await target.history(policy);
        const chosen = choose(policy, revisions, flags.to);
        await target.rollback(policy, chosen);
        const changes = changesBetween(policy.spec, chosen.spec).map(inWords).join(', ');
        const what = `policy ${policy.namespace}/${name} has the spec of revision ${chosen.revision} again`;
        terminal.out.write(`${what}${changes === '' ? '' : `: ${changes}`}\n`);
      });
      setExitCode(EXIT_CODES.ok);
    });
}

function choose({ name, spec }: StoredPolicy, revisions: readonly Revision[], to: string | undefined): Revision {
  const kept = revisions.map(({ revision }) => revision).join(', ') || 'none';
  if (to !== undefined) {
    const found = revisions.find(({ revision }) => revision === Number(to));
    if (found) return found;
    throw new CliError(EXIT_CODES.problems, `policy "${name}" has no revision ${to}; it has ${kept}`);
  }
  const found = revisions.find((one) => !isDeepStrictEqual(one.spec, spec));
  if (found) return found;
  throw new CliError(
    EXIT_CODES.problems,
    `policy "${name}" has no other spec to go back to; revisions that are kept: ${kept}`,
  );
}

const currentOf = ({ spec }: StoredPolicy, revisions: readonly Revision[]) =>
  revisions.find((one) => isDeepStrictEqual(one.spec, spec));
