import { mergeAgents } from '../../core/views/merged.ts';
import type { AgentState } from '../../core/views/overview.ts';
import { askReplicas, type Unanswered } from '../client/replicas.ts';
import type { Target } from '../client/target.ts';

/** An agent as the admin API tells of it. */
export interface ListedAgent {
  readonly namespace: string;
  readonly service: string;
  readonly instance: string;
  readonly boot: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: AgentState;
  readonly connected: boolean;
  readonly silentMs: number;
  readonly revision: { readonly wanted?: string; readonly applied?: string };
  readonly breakers: readonly { readonly name: string; readonly uid: string; readonly state: string }[];
}

/** The agents of all replicas. */
export interface Agents {
  readonly items: readonly ListedAgent[];
  /** How many there are beyond those that the replicas list: each lists at most 1,000. */
  readonly more: number;
  readonly unanswered: readonly Unanswered[];
}

interface Listed {
  readonly replica?: string;
  readonly others?: readonly string[];
  readonly total: number;
  readonly items: readonly ListedAgent[];
}

/**
 * Agents of a namespace or of all, each once.
 *
 * @param search words that the names, state or labels of an agent must hold. Absent: all agents.
 * @throws {CliError} when no replica answers.
 */
export async function listAgents(target: Target, namespace: string | undefined, search?: string): Promise<Agents> {
  const { answers, unanswered } = await askReplicas(target, (admin) =>
    admin.get<Listed>('/v1/agents', { namespace, search }),
  );
  return {
    items: mergeAgents(answers.map(({ items }) => items)),
    more: answers.reduce((sum, { total, items }) => sum + total - items.length, 0),
    unanswered,
  };
}
