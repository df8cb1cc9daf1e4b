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

/** A policy that all of its eleven agents apply. */
const applied = (name: string, programmed = condition('Programmed', 'True', 'Programmed')) => {
  const { status, ...rest } = policy('shop', name, condition('Accepted', 'True', 'Valid'), programmed);
  const agents = { matched: 11, applied: 11, rejected: 0, stale: 0, summary: '11/11' };
  return { ...rest, status: { ...status, agents } } as StoredPolicy;
};

const overview = (replica: string, connected: number, others: readonly string[], closed = 0) => ({
  replica,
  others,
  breakers: { closed, open: 0, halfOpen: 0, shadowOpen: 0 },
  agents: { connected, connecting: 0, stale: 0, gone: 0, rejecting: 0 },
});
const replica = (name: string, answer: object) => ({ name, admin: { get: async () => answer } });

async function status(
  policies: readonly StoredPolicy[],
  args: readonly string[],
  seesAll = true,
  replicas: readonly object[] = [replica('a', overview('a', 1, []))],
  overrides: readonly object[] = [],
) {
  const target = {
    replicas: async () => replicas,
    unlistedReason: 'it was not asked',
    name: 'cluster "c"',
    namespace: 'shop',
    policies: async (namespace?: string) => {
      if (namespace === undefined && !seesAll) throw new CliError(EXIT_CODES.unreachable, 'forbidden');
      return policies.filter((one) => namespace === undefined || one.namespace === namespace);
    },
    overrides: async () => overrides,
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

it('does not say that all is well while a policy is not yet programmed, or agents are not known', async () => {
  expect((await status([well('shop'), pending('shop')], [])).text).toContain(
    '\nnothing is known to be wrong, but 1 policy is not yet programmed (fuseboard get policies -n shop)\n',
  );
  const unknown = await status([well('shop'), pending('shop')], ['-A'], true, [{ name: 'a', admin: 'no token' }]);
  expect(unknown.text).not.toContain('all is well');
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

it('counts the agents of all replicas once, and rollouts apart from them', async () => {
  const agents = { matched: 2, applied: 2, rejected: 0, stale: 0, summary: '2/2' };
  const two = ['one', 'two'].map((name) => {
    const policy = well('shop', name);
    return { ...policy, status: { ...policy.status, agents } } as StoredPolicy;
  });
  const replicas = [replica('a', overview('a', 1, ['b'])), replica('b', overview('b', 1, ['a']))];
  const { text } = await status(two, ['--exit-code'], true, replicas);
  expect(text).toContain('agents     2 connected\nrollouts   4/4 applied (one for each policy and agent)\n');
  expect(text).toContain('all is well');
});

it('counts the breakers of all replicas, also those that no policy governs', async () => {
  const replicas = [replica('a', overview('a', 1, ['b'], 2)), replica('b', overview('b', 0, ['a'], 1))];
  expect((await status([well('shop')], [], true, replicas)).text).toContain('breakers   3 closed\n');
  expect((await status([], [], true, replicas)).text).toContain(
    'agents     1 connected\nbreakers   3 closed\nthere are no policies in namespace "shop"',
  );
  const silent = [replicas[0]!, { name: 'b', admin: 'its pod is not ready' }];
  expect((await status([well('shop')], [], true, silent)).text).toContain('breakers   0 closed\n');
});

it('says how many agents run a policy within limits of their code', async () => {
  const { status: of, ...rest } = well('shop');
  const agents = { matched: 3, applied: 3, rejected: 0, stale: 0, guarded: 2, summary: '3/3' };
  const { text } = await status([{ ...rest, status: { ...of, agents } } as StoredPolicy], []);
  expect(text).toContain('rollouts   3/3 applied, 2 of them within limits of their code (one for each');
});

it('names a replica that did not answer, and does not say that all is well', async () => {
  const { text, code } = await status([well('shop')], ['--exit-code'], true, [
    replica('a', overview('a', 1, ['b'])),
    { name: 'b', admin: 'its pod is not ready' },
  ]);
  expect(text).toContain('replica "b" did not answer, so its agents are not in these numbers: its pod is not ready\n');
  expect(text).not.toContain('all is well');
  expect(code).toBe(1);
});

it('says why agents are not known where no replica can be asked', async () => {
  const { text, code } = await status([well('shop')], ['--exit-code'], true, [{ name: 'a', admin: 'no token' }]);
  expect(text).toContain('agents     not known: no token\n');
  expect(code).toBe(0);
});

it('says where there are no policies, and how to look elsewhere', async () => {
  expect((await status([], [])).text).toContain(
    'there are no policies in namespace "shop"; -A looks in all namespaces\n',
  );
  expect((await status([], ['-A'])).text).toContain('there are no policies in any namespace\n');
});

it('does not say that all is well when a policy lost its agents', async () => {
  expect((await status([applied('a')], [])).text).toContain('all is well');
  const gone = { ...condition('Programmed', 'Unknown', 'AgentsGone'), message: 'no live agent since noon' };
  const text = (await status([applied('a', gone)], [])).text;
  expect(text).not.toContain('all is well');
  expect(text).toMatch(/shop\/a +AgentsGone +no live agent since noon/);
});

it('has one row for each problem, and says that agents keep the last valid version', async () => {
  const invalid = policy(
    'shop',
    'broken',
    condition('Accepted', 'False', 'Invalid'),
    condition('Programmed', 'False', 'Rejected'),
    condition('Healthy', 'False', 'BreakerOpen'),
  );
  const { text } = await status([invalid], []);
  expect(text).toMatch(/shop\/broken +Invalid +Accepted is False; agents keep the last valid version\n/);
  expect(text).toMatch(/shop\/broken +BreakerOpen +Healthy is False\n/);
  expect(text).not.toContain('Rejected');
  expect(text).toContain('\n1 policy not well:\n');
  expect(text).toMatch(/rollouts .*; agents keep the last valid version of 1 invalid policy\n/);
});

it('says that outages last where every policy is well', async () => {
  const outage = (id: string, phase: string) => ({
    ...{ id, circuit: id, breaker: id, phase, began: 1, services: [], actions: [], hit: 1, agents: 2, refused: 7 },
    ...{ refusedPerSecond: 3, fallbackPerSecond: 3, callsPerSecond: 0 },
  });
  const admin = {
    get: async (path: string) =>
      path === '/v1/outages'
        ? { at: 2, noun: 'pod', items: [outage('a', 'testing'), { ...outage('b', 'over'), closed: 2 }] }
        : overview('a', 1, []),
  };
  const { text } = await status([well('shop')], [], true, [{ name: 'a', admin }]);
  expect(text).toContain(
    '\na has been down for 0 s on 1 of 2 pods and is being tested now: 3 calls/s get the fallback\n1 outage lasts: fuseboard outages -n shop\n',
  );
  expect(text).not.toContain('all is well');
});

it('names the override that forces a breaker open, why, until when, and how to end it', async () => {
  const override = {
    ...{
      namespace: 'shop',
      name: 'quiet',
      createdAt: Date.now() - 4_000,
      expiresAt: Date.now() + 3_500_000,
      createdBy: 'local',
    },
    ...{ spec: { action: 'ForceOpen', breakers: ['partner-offer'], reason: 'the partner asked' }, status: {} },
  };
  const past = { ...override, name: 'past', expiresAt: 1 };
  const { text } = await status([well('shop')], [], true, undefined, [override, past]);
  expect(text).toMatch(
    /\n1 override is in force:\nBREAKERS .*\nshop\/partner-offer +ForcedOpen +forced open by local for \d+ s \(the partner asked\), ends in \d+ min; to end it now: fuseboard overrides end quiet -n shop\n/,
  );
  expect(text).not.toContain('all is well');
});
