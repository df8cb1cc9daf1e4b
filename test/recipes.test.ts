import { describe, expect, it } from '@jest/globals';
import { lintFiles } from '../operator/src/cli/policy-files/lint.ts';
import { parsePolicyFile } from '../operator/src/sources/file.ts';
import { blocks } from './documents.ts';
import { read, repositoryFiles } from './repository.ts';

const PATH = 'docs/recipes.md';
const recipes = blocks(PATH, read(PATH))
  .filter(({ language }) => language === 'yaml')
  .map(({ line, text }) => ({ file: `${PATH}:${line}`, ...parsePolicyFile(text) }));
const shown = recipes.flatMap(({ file, policies }) => policies.map((policy) => ({ ...policy, file })));
const examples = repositoryFiles()
  .filter((path) => path.startsWith('examples/policies/'))
  .flatMap((path) => parsePolicyFile(read(path)).policies.map((policy) => ({ ...policy, path })));

describe('the recipes', () => {
  it('hold a policy for each case, which validate accepts', () => {
    expect(recipes.flatMap(({ file, problems }) => problems.map(({ message }) => `${file}: ${message}`))).toEqual([]);
    expect(shown.flatMap(({ problems }) => problems)).toEqual([]);
    const cases = read(PATH).match(/^## .+$/gm) ?? [];
    expect(shown.length).toBe(cases.length);
    expect(cases.length).toBeGreaterThanOrEqual(10);
  });

  it('surprise nobody, alone and together', () => {
    const findings = lintFiles(shown);
    expect(findings.map(({ file, field, message }) => `${file}: ${field}: ${message}`)).toEqual([]);
  });

  it.each(examples)('show $path as it is', ({ name, spec }) => {
    const recipe = shown.find((one) => one.name === name);
    expect(recipe?.spec).toEqual(spec);
  });

  it('are linted with a lint that finds something', () => {
    const broken = parsePolicyFile(
      blocks(PATH, read(PATH))
        .find(({ text }) => text.includes('name: slow-api'))!
        .text.replace('openDuration: 45s', 'openDuration: 5s'),
    );
    const findings = lintFiles(broken.policies.map((policy) => ({ ...policy, file: PATH })));
    expect(findings.map(({ field }) => field)).toEqual(['recovery.openDuration']);
  });
});
