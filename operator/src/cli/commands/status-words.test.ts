import { PassThrough } from 'node:stream';
import type { PolicyStatus } from '@fuseboard/schema';
import { expect, it } from '@jest/globals';
import type { StoredPolicy, Target } from '../client/target.ts';
import { statusCommand } from './status.ts';

const condition = (type: string, status: 'True' | 'Unknown', reason: string, message = '') => ({
  ...{ type, status, reason, message },
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const policy = (name: string, programmed = condition('Programmed', 'True', 'Programmed')): StoredPolicy => ({
  ...{ namespace: 'shop', name, uid: name, generation: 1, createdAt: 0, spec: { breakers: [name] }, problems: [] },
  status: {
    conditions: [condition('Accepted', 'True', 'Valid'), programmed],
    agents: { matched: 11, applied: 11, rejected: 0, stale: 0, summary: '11/11' },
  } satisfies PolicyStatus,
});

/** What the command prints about a target that has these policies. */
async function printed(policies: StoredPolicy[], ...flags: string[]): Promise<string> {
  const out = new PassThrough({ encoding: 'utf8' });
  const agents = { connected: 11, connecting: 0, stale: 0, gone: 0, rejecting: 0 };
  const admin = { get: async () => ({ replica: 'a', others: [], agents }) };
  const target = {
    ...{ name: 'cluster "c"', namespace: 'shop', policies: async () => policies, close: async () => {} },
    replicas: async () => [{ name: 'a', admin }],
  };
  const terminal = { out, err: out, colour: false } as never;
  await statusCommand(
    terminal,
    () => target as unknown as Target,
    () => {},
  ).parseAsync(flags, { from: 'user' });
  return String(out.read());
}

it('says where there are no policies, and how to look elsewhere', async () => {
  expect(await printed([])).toContain('there are no policies in namespace "shop"; -A looks in all namespaces\n');
  expect(await printed([], '-A')).toContain('there are no policies in any namespace\n');
});

it('counts 11 agents of two policies as 11', async () => {
  const text = await printed([policy('a'), policy('b')]);
  expect(text).toContain('agents     11 connected\nrollouts   22/22 applied (one for each policy and agent)\n');
});

it('does not say that all is well when a policy lost its agents', async () => {
  expect(await printed([policy('a')])).toContain('all is well');
  const gone = condition('Programmed', 'Unknown', 'AgentsGone', 'no live agent since noon');
  const text = await printed([policy('a', gone)]);
  expect(text).not.toContain('all is well');
  expect(text).toMatch(/shop\/a +AgentsGone +no live agent since noon/);
});
