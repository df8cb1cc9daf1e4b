import { Command, Option } from 'commander';
import { count } from '../../core/count.ts';
import { RANGE_NAMES } from '../../core/fleet/timeline.ts';
import { type Finding, lint, lintTogether } from '../../core/policy/lint/lint.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { routingOf } from '../../core/policy/routing.ts';
import type { TimelineAnswer } from '../../http/admin/answers/timeline.ts';
import type { FilePolicy } from '../../sources/file.ts';
import type { Reach, TargetFlags } from '../client/target.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { printAs } from '../output/output.ts';
import { type MaybeCalls, withOptionalCalls } from '../recorded-calls/call-options.ts';
import { trafficFindings } from '../recorded-calls/traffic.ts';
import { onTarget, withTarget } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { passedOver, readPolicyFiles } from './files.ts';
import { reportedFindings } from './reported.ts';

const EXAMPLES = `
Examples:
  fuseboard lint policies/                              findings beyond those of validate
  fuseboard lint policies/ -o json                      for a program
  fuseboard lint policies/ --calls recording.gz         also what does not fit recorded calls
  fuseboard lint policies/ --reported                   also what does not fit the calls of the last day

Exits with 1 when it finds anything, also in valid policies.`;

interface Placed extends Finding {
  readonly file: string;
  readonly line: number;
  readonly policy: string;
}

interface Flags extends MaybeCalls, TargetFlags {
  readonly output: 'text' | 'json' | 'yaml';
  readonly reported?: TimelineAnswer['range'];
}

export function lintCommand(terminal: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  const command = new Command('lint')
    .description('Find values in policy files that are valid and probably wrong.')
    .argument('<files...>', 'policy files, folders of them, or - for standard input');
  return withTarget(withOptionalCalls(command))
    .option('--breaker <name>', 'look at this breaker only; where the record names none, all calls are of it')
    .addOption(
      new Option('--reported [range]', 'also say what does not fit the calls that agents reported to the operator')
        .choices(RANGE_NAMES)
        .preset('24h'),
    )
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json', 'yaml']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], flags: Flags) => {
      const { output } = flags;
      const files = await readPolicyFiles(paths);
      const policies = files.flatMap(({ file, policies }) => policies.map((policy) => ({ ...policy, file })));
      const broken = files.flatMap(({ file, problems }) =>
        problems.map(({ line, field, message }) => ({ file, line, policy: '', field, message })),
      );
      const findings = [
        ...broken,
        ...lintFiles(policies),
        ...(await lintTraffic(policies, flags, terminal)),
        ...(await lintOperator(policies, flags, { reach, terminal })),
      ];
      if (output !== 'text') printAs({ files: files.length, policies: policies.length, findings }, output, terminal);
      else {
        for (const { file, line, policy, field, message } of findings) {
          terminal.out.write(`${[`${file}:${line}`, policy, field, message].filter(Boolean).join(': ')}\n`);
        }
        const where = `${count(policies.length, 'policy', 'policies')} in ${count(files.length, 'file')}`;
        terminal.out.write(`${where}, ${count(findings.length, 'finding')}${passedOver(files)}\n`);
      }
      setExitCode(findings.length > 0 ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}

/** What does not fit the calls that agents reported, for valid policies; nothing when it is not asked for. */
async function lintOperator(
  policies: readonly (FilePolicy & { readonly file: string })[],
  { reported, breaker, ...flags }: Flags,
  { reach, terminal }: { readonly reach: Reach; readonly terminal: Terminal },
): Promise<Placed[]> {
  if (reported === undefined) return [];
  const valid = policies.filter(({ problems }) => problems.length === 0);
  const found = await onTarget(reach, flags, (target) => reportedFindings(target, reported, valid, terminal));
  return valid.flatMap(({ file, namespace, name, lineOf }, at) =>
    found[at]!.filter((one) => breaker === undefined || one.breaker === breaker).map((one) => ({
      file,
      line: lineOf(`spec.${one.field}`),
      policy: `${namespace}/${name}`,
      field: one.field,
      message: `on the reported calls of "${one.breaker}", ${one.message}`,
    })),
  );
}

/** What does not fit recorded calls, for valid policies. */
async function lintTraffic(
  policies: readonly (FilePolicy & { readonly file: string })[],
  calls: MaybeCalls,
  terminal: Terminal,
): Promise<Placed[]> {
  const valid = policies.filter(({ problems }) => problems.length === 0);
  const found = await trafficFindings(
    calls,
    terminal,
    valid.map(({ spec }) => ({ spec, breakers: spec.breakers })),
  );
  return valid.flatMap(({ file, namespace, name, lineOf }, at) =>
    found[at]!.filter(({ isProblem }) => isProblem).map(({ breaker, field, message }) => ({
      file,
      line: lineOf(`spec.${field}`),
      policy: `${namespace}/${name}`,
      field,
      message: `on the calls of "${breaker}", ${message}`,
    })),
  );
}

/** The findings for policies in files, in the order of the files. */
export function lintFiles(policies: readonly (FilePolicy & { readonly file: string })[]): Placed[] {
  const namespaces = new Set(policies.map(({ namespace }) => namespace));
  const together = new Map<string, Finding[]>();
  for (const namespace of namespaces) {
    const routings = policies.flatMap(({ namespace: own, name, spec, problems }) => {
      const policy: Policy = { uid: name, namespace, name, generation: 0, createdAt: 0, spec, problems };
      return own === namespace ? (routingOf(policy) ?? []) : [];
    });
    for (const [name, found] of lintTogether(routings)) together.set(`${namespace}/${name}`, found);
  }
  return policies.flatMap(({ file, namespace, name, spec, problems, lineOf }) => {
    const policy = `${namespace}/${name}`;
    const invalid = problems.map((problem) => ({
      file,
      line: problem.line,
      policy,
      field: problem.field,
      message: problem.message,
    }));
    if (invalid.length > 0) return invalid;
    const found = [...lint(spec), ...(together.get(policy) ?? [])];
    return found.map(({ field, message }) => ({ file, line: lineOf(`spec.${field}`), policy, field, message }));
  });
}
