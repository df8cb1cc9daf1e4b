import { mergeAgents } from '../../core/views/merged.ts';
import type { AgentList, ListedAgent } from '../../http/admin/answers/agents.ts';
import { askReplicas, type Unanswered } from '../client/replicas.ts';
import type { Target } from '../client/target.ts';

/** The agents of all replicas. */
export interface Agents {
  readonly items: readonly ListedAgent[];
  /** Number of agents beyond the listed ones. Each replica lists at most 1,000. */
  readonly more: number;
  readonly unanswered: readonly Unanswered[];
}

/**
 * Lists the agents of a namespace, or of all namespaces, each agent once.
 *
 * @param search words that an agent's names, state or labels must contain; absent: all agents.
 * @throws {CliError} when no replica answers.
 */
export async function listAgents(target: Target, namespace: string | undefined, search?: string): Promise<Agents> {
  const { answers, unanswered } = await askReplicas(target, (admin) =>
    admin.get<AgentList>('/v1/agents', { namespace, search }),
  );
  return {
    items: mergeAgents(answers.map(({ items }) => items)),
    more: answers.reduce((sum, { total, items }) => sum + total - items.length, 0),
    unanswered,
  };
}
