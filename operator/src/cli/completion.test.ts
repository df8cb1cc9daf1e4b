import { expect, it } from '@jest/globals';
import { completions } from './completion.ts';
import { commandLine } from './program.ts';

const { stdout: out, stderr: err } = process;
const never = () => {
  throw new Error('nothing is run');
};
const root = commandLine({ args: [], out, err }, { construct: never, reach: never, kubeconfig: never }, () => {});

it.each([
  [['forc'], ['force-closed', 'force-open']],
  [['get', 'br'], ['breakers']],
  [['get', 'policies', '--all'], ['--all-namespaces']],
  [
    ['get', 'policies', '-o', ''],
    ['json', 'text', 'wide', 'yaml'],
  ],
  [['completion', 'z'], ['zsh']],
  [['nothing', 'like', 'it-zzz'], []],
])('completes %j', (words, expected) => {
  expect(completions(root, words)).toEqual(expected);
});
