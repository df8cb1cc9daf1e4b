import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import type { Command } from 'commander';
import type { Target } from './client/target.ts';
import { completions, NAMED } from './completion.ts';
import { COMPLETE } from './completion-scripts.ts';
import { commandLine, program } from './program.ts';

const { stdout: out, stderr: err } = process;
const never = () => {
  throw new Error('nothing is run');
};
const root = await commandLine({ args: [], out, err }, never, () => {});

it.each([
  [['forc'], ['force-closed', 'force-open']],
  [['get', 'br'], ['breakers']],
  [['get', 'policies', '--all'], ['--all-namespaces']],
  [
    ['get', 'policies', '-o', ''],
    ['json', 'jsonpath=', 'name', 'text', 'wide', 'yaml'],
  ],
  [['completion', 'z'], ['zsh']],
  [['nothing', 'like', 'it-zzz'], []],
])('completes %j', (words, expected) => {
  expect(completions(root, words)).toEqual(expected);
});

/** The commands whose arguments are files, which a shell completes by itself. */
const OF_FILES = ['validate', 'lint', 'diff', 'simulate'];

/** The commands with an argument that is a name: neither a file nor one of a few words. */
function withNames(command: Command, path: readonly string[] = []): string[] {
  const own = command.registeredArguments.some(({ argChoices }) => argChoices === undefined);
  const below = command.commands.flatMap((one) => withNames(one, [...path, one.name()]));
  return own && !OF_FILES.includes(path.join(' ')) && path[0] !== COMPLETE ? [path.join(' '), ...below] : below;
}

it('knows what the argument of each command names', () => {
  expect(Object.keys(NAMED).sort()).toEqual(withNames(root).sort());
});

it('prints a help that is the same whether the commands are loaded or not', async () => {
  const unloaded = await commandLine({ args: [], out, err }, never, () => {}, { name: undefined });
  expect(unloaded.helpInformation()).toBe(root.helpInformation());
});

/** The completions after these words, and the requested scope. */
async function tab(...words: string[]): Promise<{ shown: string[]; scopes: unknown[] }> {
  const scopes: unknown[] = [];
  const policies = ['payments', 'partners', 'search'].map((name) => ({
    name,
    namespace: name === 'search' ? 'web' : 'shop',
  }));
  const target = {
    namespace: 'shop',
    policies: async (scope: unknown) => {
      scopes.push(scope);
      return policies;
    },
    operator: async () => ({ get: async () => ({ items: [{ breaker: 'payments' }, { breaker: 'partner-a' }] }) }),
    close: async () => {},
  } as unknown as Target;
  const written = new PassThrough({ encoding: 'utf8' });
  const terminal = { args: ['complete-line', '--', ...words], out: written as never, err: written as never };
  const code = await program(terminal, async () => ({ construct: never, reach: () => target, connect: never }));
  expect(code).toBe(0);
  return { shown: ((written.read() as string | null) ?? '').split('\n').filter((word) => word !== ''), scopes };
}

it('completes names of what is there, in the namespace that the line names', async () => {
  expect(await tab('get', 'policies', 'pa')).toEqual({ shown: ['partners', 'payments'], scopes: ['shop'] });
  expect((await tab('get', 'policies', '-n', 'web', '')).scopes).toEqual(['web']);
  expect((await tab('describe', 'policy', '-A', '')).scopes).toEqual([undefined]);
  expect((await tab('force-open', 'p')).shown).toEqual(['partner-a', 'payments']);
  expect((await tab('get', 'policies', '-n', '')).shown).toEqual(['shop', 'web']);
  expect((await tab('get', 'policies', '--server', '')).shown).toEqual([]);
});

it('shows no names, and no error, where they cannot be read', async () => {
  const written = new PassThrough({ encoding: 'utf8' });
  const terminal = {
    args: ['complete-line', '--', 'get', 'policies', ''],
    out: written as never,
    err: written as never,
  };
  const code = await program(terminal, async () => ({ construct: never, reach: never, connect: never }));
  expect([code, written.read()]).toEqual([0, null]);
});
