import { describe, expect, it } from '@jest/globals';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import type { AdminClient, Replica } from './admin.ts';
import { askReplicas } from './replicas.ts';
import type { Target } from './target.ts';

const target = (...replicas: readonly Replica[]) =>
  ({ name: 'cluster "c"', unlistedReason: 'it was not asked', replicas: async () => replicas }) as unknown as Target;

const answering = (name: string, replica: string, ...others: string[]): Replica => ({
  name,
  admin: { get: async () => ({ replica, others }) } as unknown as AdminClient,
});
const failing = (name: string, error: Error): Replica => ({
  name,
  admin: { get: () => Promise.reject(error) } as unknown as AdminClient,
});
const ask = (...replicas: readonly Replica[]) =>
  askReplicas(target(...replicas), (admin) => admin.get<{ replica: string; others: string[] }>('/v1/agents'));
const timeout = new CliError(EXIT_CODES.unreachable, 'timeout');

describe('a question to all replicas', () => {
  it('is answered by each', async () => {
    const { answers, unanswered } = await ask(answering('a', 'a', 'b'), answering('b', 'b', 'a'));
    expect(answers.map(({ replica }) => replica)).toEqual(['a', 'b']);
    expect(unanswered).toEqual([]);
  });

  it('names those that do not answer, once each, and those that nobody asked', async () => {
    const { answers, unanswered } = await ask(answering('a', 'a', 'b', 'c', 'd'), failing('b', timeout), {
      name: 'c',
      admin: 'its pod is not ready',
    });
    expect(answers).toHaveLength(1);
    expect(unanswered).toEqual([
      { replica: 'b', reason: 'timeout' },
      { replica: 'c', reason: 'its pod is not ready' },
      { replica: 'd', reason: 'it was not asked' },
    ]);
  });

  it('takes a URL that does not answer for the replica that is missing', async () => {
    const { unanswered } = await ask(answering('http://a:1/', 'a', 'b'), failing('http://b:1/', timeout));
    expect(unanswered).toEqual([{ replica: 'http://b:1/', reason: 'timeout' }]);
    const more = await ask(answering('http://a:1/', 'a', 'b', 'c'), failing('http://b:1/', timeout));
    expect(more.unanswered.map(({ replica }) => replica)).toEqual(['http://b:1/', 'b', 'c']);
  });

  it('fails as the first where none answers, and at what is no answer of an operator', async () => {
    await expect(ask(failing('a', timeout), { name: 'b', admin: 'not ready' })).rejects.toThrow('timeout');
    await expect(ask()).rejects.toThrow('there is no operator at cluster "c"');
    const fault = new TypeError('a fault of ours');
    await expect(ask(answering('a', 'a'), failing('b', fault))).rejects.toBe(fault);
  });
});
