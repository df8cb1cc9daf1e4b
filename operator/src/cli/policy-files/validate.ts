import { Command, Option } from 'commander';
import { parsePolicyFile } from '../../sources/file.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { count } from '../output/output.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';
import { policyFiles, readPolicyFile } from './files.ts';

/** Something wrong in a policy file. */
interface Finding {
  readonly file: string;
  readonly line: number;
  readonly field: string;
  readonly message: string;
}

const EXAMPLES = `
Examples:
  fuseboard validate policies/payments.yaml
  fuseboard validate policies/ -o json                  every policy file of a folder, for a program`;

export function validateCommand({ out }: Terminal, setExitCode: SetExitCode): Command {
  return new Command('validate')
    .description('Validate policy files with the rules of the API server and the operator.')
    .argument('<files...>', 'policy files, or folders of them')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], { output }: { output: string }) => {
      const files = (await Promise.all(paths.map(policyFiles))).flat();
      const findings: Finding[] = [];
      const owners = new Map<string, string>();
      let policies = 0;
      for (const file of files) {
        const parsed = parsePolicyFile(await readPolicyFile(file));
        policies += parsed.policies.length;
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
        out.write(`${JSON.stringify({ files: files.length, policies, problems: findings }, null, 2)}\n`);
      } else {
        for (const { file, line, field, message } of findings) {
          out.write(`${[`${file}:${line}`, field, message].filter(Boolean).join(': ')}\n`);
        }
        out.write(`${count(policies, 'policy', 'policies')} in ${count(files.length, 'file')}, `);
        out.write(`${count(findings.length, 'problem')}\n`);
      }
      setExitCode(findings.length > 0 ? EXIT_CODES.problems : EXIT_CODES.ok);
    });
}
