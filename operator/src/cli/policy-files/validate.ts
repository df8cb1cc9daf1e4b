import { Command, Option } from 'commander';
import { count } from '../../core/count.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { passedOver, readPolicyFiles } from './files.ts';

/** A problem in a policy file. */
interface Finding {
  readonly file: string;
  readonly line: number;
  readonly field: string;
  readonly message: string;
}

const EXAMPLES = `
Examples:
  fuseboard validate policies/payments.yaml
  fuseboard validate policies/ -o json                  every policy file of a folder and below, for a program
  helm template shop ./chart | fuseboard validate -     what a chart renders`;

export function validateCommand({ out }: Terminal, setExitCode: SetExitCode): Command {
  return new Command('validate')
    .description('Validate policy files with the rules of the API server and the operator.')
    .argument('<files...>', 'policy files, folders of them, or - for standard input')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], { output }: { output: string }) => {
      const files = await readPolicyFiles(paths);
      const findings: Finding[] = [];
      const owners = new Map<string, string>();
      let policies = 0;
      let overrides = 0;
      for (const { file, ...parsed } of files) {
        policies += parsed.policies.length;
        overrides += parsed.overrides.length;
        findings.push(...parsed.problems.map((problem) => ({ file, ...problem })));
        for (const object of [...parsed.policies, ...parsed.overrides]) {
          const { namespace, name, line, problems } = object;
          const kind = 'spec' in object ? 'policy' : 'override';
          findings.push(...problems.map((problem) => ({ file, ...problem })));
          const key = `${kind} ${namespace}/${name}`;
          const owner = owners.get(key);
          if (owner !== undefined) {
            const message = `${key} is already in ${owner}; remove one of the two`;
            findings.push({ file, line, field: 'metadata.name', message });
          }
          owners.set(key, owner ?? file);
        }
      }
      if (output === 'json') {
        out.write(`${JSON.stringify({ files: files.length, policies, overrides, problems: findings }, null, 2)}\n`);
      } else {
        for (const { file, line, field, message } of findings) {
          out.write(`${[`${file}:${line}`, field, message].filter(Boolean).join(': ')}\n`);
        }
        out.write(count(policies, 'policy', 'policies'));
        out.write(overrides === 0 ? ' ' : ` and ${count(overrides, 'override')} `);
        out.write(`in ${count(files.length, 'file')}, `);
        out.write(`${count(findings.length, 'problem')}${passedOver(files)}\n`);
      }
      setExitCode(findings.length > 0 ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}
