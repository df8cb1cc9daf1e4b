import { parsePolicyFile } from '../../operator/src/sources/file.ts';
import { asLines, corpus, must, type Target } from '../target.ts';

/** A file of policies, as somebody wrote it. */
export const policyFile: Target = {
  name: 'policy-file',
  corpus: corpus('policy-file'),
  share: 30,
  mutate: asLines,
  run(input) {
    const { policies, problems } = parsePolicyFile(input.toString());
    const lines = input.toString().split(/\r\n|\r|\n/).length;
    for (const { line } of [...policies, ...problems, ...policies.flatMap((policy) => policy.problems)]) {
      must(Number.isInteger(line) && line >= 1 && line <= lines + 1, `line ${line} of ${lines}`);
    }
    for (const { namespace, name } of policies) {
      must(/^[a-z0-9.-]{1,253}$/.test(name) && /^[a-z0-9-]{1,63}$/.test(namespace), `${namespace}/${name}`);
    }
    const usable = policies.filter((policy) => policy.problems.length === 0);
    const made = usable.reduce((sum, policy) => sum + Buffer.byteLength(JSON.stringify(policy.spec)), 0);
    return { sound: usable.length > 0 && problems.length === 0, made };
  },
};
