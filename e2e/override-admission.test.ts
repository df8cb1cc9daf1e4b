import { overrideProblems } from '@fuseboard/schema';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { OVERRIDE_CASES } from '../crds/schema/src/override.cases.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { eventually } from './cluster/run.ts';

let cluster: Cluster;

const override = (spec: object, name = 'case', annotations: object = {}) => ({
  apiVersion: 'fuseboard.dev/v1alpha1',
  kind: 'CircuitBreakerOverride',
  metadata: { name, namespace: 'default', annotations },
  spec,
});
const spec = { breakers: ['payments'], action: 'ForceOpen', reason: 'the partner asked', duration: '10m' };
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
const ending = (expiresAt: string) => {
  const { duration, ...rest } = spec;
  return { ...rest, expiresAt };
};

/** What kubectl prints when the API server refuses; nothing when it takes it. */
async function refusal(object: object, kubeconfig = cluster.kubeconfig): Promise<string | undefined> {
  const options = { input: stringify(object), kubeconfig };
  return cluster.kubectl('create', '--dry-run=server', '-f', '-', options).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  // A policy of admission is in force a moment after it was made.
  await eventually(async () => expect(await refusal(override(ending(fromNow(-60_000))))).toContain('lies in the past'));
}, 900_000);

afterAll(() => cluster?.stop());

describe('an override', () => {
  it.each(OVERRIDE_CASES.map((each) => [each.name, each] as const))(
    'is judged by the API server as by us: %s',
    async (_name, { spec, broken }) => {
      const message = await refusal(override(spec));
      expect(message === undefined).toBe(broken.length === 0);
      for (const problem of overrideProblems(spec)) expect(message).toContain(problem.field);
    },
  );

  it('without a reason is refused with that sentence', async () => {
    const { reason, ...rest } = spec;
    const words = /spec\.reason: Invalid value: an override needs a reason; say in a few words why/;
    expect(await refusal(override(rest))).toMatch(words);
    expect(await refusal(override({ ...rest, reason: '  ' }))).toMatch(words);
  });

  it('without an end is refused with that sentence', async () => {
    const { duration, ...rest } = spec;
    expect(await refusal(override(rest))).toMatch(
      /spec\.expiresAt: Invalid value: an override needs an end; give expiresAt or duration/,
    );
  });

  it('with an end in the past is refused with that sentence', async () => {
    const message = await refusal(override(ending(fromNow(-1_500))));
    expect(message).toContain('spec.expiresAt: lies in the past; an override must end later than it begins');
    expect(await refusal(override(ending('2001-01-01T00:00:00+02:00')))).toContain('lies in the past');
    expect(await refusal(override(ending(fromNow(60_000))))).toBeUndefined();
  });

  it('that would last longer than a day is refused', async () => {
    expect(await refusal(override(ending(fromNow(25 * 3_600_000))))).toContain(
      'spec.expiresAt: lies more than 24h ahead; an override lasts at most 24h',
    );
    expect(await refusal(override(ending(fromNow(23 * 3_600_000))))).toBeUndefined();
  });

  it('cannot be edited, and can be labelled, also after its end', async () => {
    await cluster.kubectl('create', '-f', '-', { input: stringify(override(ending(fromNow(3_000)), 'kept')) });
    const edit = cluster.kubectl('patch', 'cbo', 'kept', '--type=merge', '-p', '{"spec":{"reason":"another"}}');
    await expect(edit).rejects.toThrow('an override cannot be edited; delete it and make another one');
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    await cluster.kubectl('label', 'cbo', 'kept', 'seen=yes');
  });

  it('says who made it only in the words of who did', async () => {
    const rules = [{ apiGroups: ['fuseboard.dev'], resources: ['circuitbreakeroverrides'], verbs: ['create'] }];
    const { kubeconfig } = await cluster.serviceAccount('default', 'support', rules);
    const by = (name: string) => override(spec, 'case', { 'fuseboard.dev/created-by': name });
    await eventually(async () => expect(await refusal(override(spec), kubeconfig)).toBeUndefined());
    expect(await refusal(by('somebody-else'), kubeconfig)).toContain(
      'metadata.annotations[fuseboard.dev/created-by]: says who made the override and cannot be chosen; leave it out',
    );
    expect(await refusal(by('system:serviceaccount:default:support'), kubeconfig)).toBeUndefined();
  });

  it('is explained by kubectl', async () => {
    const plain = (text: string) => text.replace(/\s+/g, ' ');
    const text = plain(await cluster.kubectl('explain', 'cbo.spec'));
    expect(text).toContain('It cannot be edited: delete the override and make another one.');
    expect(text).toContain(
      'action <string> -required- enum: ForceOpen, ForceClosed, Reset ForceOpen: the breakers reject',
    );
    expect(text).toContain('reason <string> The reason. Required.');
    expect(plain(await cluster.kubectl('explain', 'cbo.status.agents'))).toContain(
      'Agents that report that they apply it.',
    );
    const [header] = (await cluster.kubectl('get', 'cbo')).split('\n');
    expect(header!.trim().split(/\s+/)).toEqual(['NAME', 'BREAKERS', 'ACTION', 'PHASE', 'APPLIED', 'EXPIRES', 'AGE']);
  });
});
