import type { OverrideSpec } from '@fuseboard/schema';
import { expect, it } from '@jest/globals';
import type { Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { actCommand, overridesCommand } from './overrides.ts';

const PAYMENTS = {
  ...{ namespace: 'shop', breaker: 'payments', state: 'closed', shadow: false, since: 0, heard: 0, agents: 1, slot: 0 },
  ...{ unwell: [], latency: [], samples: [], changes: [], window: { calls: 0 }, states: { closed: 1 } },
};

/** An operator that knows `payments` from agents, and `search` from a policy. */
function fleet(refusal?: CliError, ...others: readonly object[]) {
  const answer = { replica: 'a', others: [], at: 0, slot: 0, items: [PAYMENTS] };
  const made: OverrideSpec[] = [];
  const target = {
    namespace: 'shop',
    replicas: async () => {
      if (refusal) throw refusal;
      return [{ name: 'a', admin: { get: async () => answer } }, ...others];
    },
    unlistedReason: 'it was not asked',
    policies: async () => [{ spec: { breakers: ['search', 'partner-*'] } }],
    override: async (namespace: string, spec: OverrideSpec) => {
      made.push(spec);
      return { namespace, name: 'x', createdAt: 0, expiresAt: 0, spec, status: {} };
    },
    close: async () => {},
  } as unknown as Target;
  return { target, made };
}

async function forceOpen(args: readonly string[], { target, made }: ReturnType<typeof fleet>) {
  const errors: string[] = [];
  const terminal = {
    args: [],
    out: { write: () => true },
    err: { write: (text: string) => errors.push(text) },
  } as unknown as Parameters<typeof actCommand>[1];
  const command = actCommand(
    'ForceOpen',
    terminal,
    () => target,
    () => {},
  ).exitOverride();
  const failure = await command.parseAsync([...args, '--reason', 'x', '--no-wait'], { from: 'user' }).then(
    () => undefined,
    (error: CliError) => ({ code: error.code, message: error.message }),
  );
  return { failure, made: made.length, errors };
}

it.each([['payments'], ['search'], ['pay*'], ['*']])('forces %s, which is known', async (name) => {
  expect(await forceOpen([name], fleet())).toEqual({ failure: undefined, made: 1, errors: [] });
});

it.each([
  ['paymnts', 'there is no breaker "paymnts" in namespace "shop"; did you mean "payments"?'],
  ['stock', 'there is no breaker "stock" in namespace "shop"; there are payments, search.'],
  ['stock-*', 'there is no breaker "stock-*" in namespace "shop"; there are payments, search.'],
])('refuses %s, which nobody knows, unless told otherwise', async (name, why) => {
  expect(await forceOpen(['payments', name], fleet())).toEqual({
    failure: {
      code: EXIT_CODES.problems,
      message: `${why} Nothing was changed; give --allow-unknown to do it anyway`,
    },
    made: 0,
    errors: [],
  });
  expect(await forceOpen([name, '--allow-unknown'], fleet())).toMatchObject({ failure: undefined, made: 1 });
});

it('forces any name when the operator cannot be reached, and says so', async () => {
  const refusal = new CliError(EXIT_CODES.unreachable, 'no operator is ready');
  expect(await forceOpen(['stock'], fleet(refusal))).toEqual({
    failure: undefined,
    made: 1,
    errors: ['whether there are breakers of this name is not known: no operator is ready\n'],
  });
});

it('forces a name that nobody knows where a replica did not answer, and says so', async () => {
  const target = fleet(undefined, { name: 'b', admin: 'its pod is not ready' });
  const { failure, made, errors } = await forceOpen(['unheard'], target);
  expect({ failure, made }).toEqual({ failure: undefined, made: 1 });
  expect(errors.join('')).toMatch(/whether there is a breaker "unheard" is not known: replica "b" did not answer/);
});

it.each(['quiet', 'circuitbreakeroverride.fuseboard.dev/quiet', 'circuitbreakeroverrides/quiet'])(
  'ends %s, as lists print it',
  async (given) => {
    const ended: string[] = [];
    const target = {
      namespace: 'shop',
      endOverride: async (namespace: string, name: string) => ended.push(`${namespace}/${name}`) > 0,
      close: async () => {},
    } as unknown as Target;
    const terminal = { args: [], out: { write: () => true }, err: { write: () => true } } as never;
    const command = overridesCommand(
      terminal,
      () => target,
      () => {},
    );
    await command.parseAsync(['end', given], { from: 'user' });
    expect(ended).toEqual(['shop/quiet']);
  },
);
