import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import type { StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { statusCommand } from './status.ts';

const at = '2030-01-01T00:00:00Z';

const condition = (type: string, status: string, reason: string) => ({
  type,
  status,
  reason,
  message: `${type} is ${status}`,
  lastTransitionTime: at,
});

const policy = (namespace: string, name: string, ...conditions: ReturnType<typeof condition>[]) =>
  ({ namespace, name, status: { conditions } }) as unknown as StoredPolicy;

const well = (namespace: string, name = 'well') =>
  policy(namespace, name, condition('Accepted', 'True', 'Accepted'), condition('Programmed', 'True', 'Programmed'));
const refused = (namespace: string) => policy(namespace, 'refused', condition('Accepted', 'False', 'Invalid'));
const pending = (namespace: string) => policy(namespace, 'pending');

async function status(policies: readonly StoredPolicy[], args: readonly string[], seesAll = true) {
  const target = {
    name: 'cluster "c"',
    namespace: 'shop',
    policies: async (namespace?: string) => {
      if (namespace === undefined && !seesAll) throw new CliError(EXIT_CODES.unreachable, 'forbidden');
      return policies.filter((one) => namespace === undefined || one.namespace === namespace);
    },
    close: async () => {},
  } as unknown as Target;
  const out = new PassThrough({ encoding: 'utf8' });
  let code: number | undefined;
  const terminal = { args: [], out, err: out } as unknown as Parameters<typeof statusCommand>[0];
  const command = statusCommand(
    terminal,
    () => target,
    (value) => {
      code = value;
    },
  );
  await command.parseAsync([...args], { from: 'user' });
  return { text: String(out.read()), code };
}

it.each([
  ['all policies are well', [well('shop')], 0],
  ['there are none', [], 0],
  ['one is refused', [well('shop'), refused('shop')], 1],
  ['one is not yet programmed', [well('shop'), pending('shop')], 1],
  ['one of another namespace is refused', [well('shop'), refused('other')], 0],
])('with --exit-code, where %s', async (_what, policies, code) => {
  expect(await status(policies, ['--exit-code'])).toMatchObject({ code });
  expect(await status(policies, ['--exit-code', '-o', 'json'])).toMatchObject({ code });
  expect(await status(policies, [])).toMatchObject({ code: 0 });
});

it('says how many policies are in other namespaces', async () => {
  const policies = [well('shop'), well('other'), refused('third')];
  const { text } = await status(policies, []);
  expect(text).toMatch(/\n2 policies in other namespaces, 1 of them not well; see them with -A\n$/);
  expect((await status(policies, ['-A'])).text).not.toContain('other namespaces');
  expect((await status([well('shop')], [])).text).not.toContain('other namespaces');
  expect((await status([well('other')], [])).text).toMatch(
    /there are no policies in namespace "shop"; -A looks in all namespaces\n1 policy in other namespaces; see them with -A\n$/,
  );
});

it('leaves other namespaces out where the person may not see them', async () => {
  const { text, code } = await status([well('shop'), well('other')], [], false);
  expect(text).not.toContain('other namespaces');
  expect(code).toBe(0);
});
