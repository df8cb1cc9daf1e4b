import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { AgentDetailSchema, AgentListSchema } from '../answers/agents.ts';
import { PARAMETERS } from '../parameters.ts';

export const agentPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/agents',
    summary: 'The agents of this replica, at most 1,000 of them.',
    query: z.object({
      namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.'),
      search: z.string().min(1).optional().describe('Words that its names, state or labels must hold.'),
    }),
    answers: {
      200: {
        description: 'The agents.',
        schema: AgentListSchema,
      },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/agents/:namespace/:boot',
    summary: 'One agent, and which policy governs each of its breakers, and why.',
    params: z.object({ namespace: z.string().min(1), boot: z.string().min(1) }),
    answers: { 200: { description: 'The agent.', schema: AgentDetailSchema }, ...refusals(400, 401, 403, 404, 503) },
  },
];
