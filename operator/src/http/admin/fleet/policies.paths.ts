import { PolicyStatusFields } from '@fuseboard/schema';
import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { PARAMETERS } from '../parameters.ts';

const state = z.enum(['True', 'False', 'Unknown']);
const asGiven = z
  .unknown()
  .describe('As the source gave it; with `accepted: "True"` it is what the schema of policies says.');

const identity = {
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  generation: z.int().min(0).describe('0 from a folder of files.'),
};

const PolicyRow = z
  .object({
    ...identity,
    breakers: asGiven.optional(),
    mode: asGiven.optional(),
    accepted: state,
    programmed: state,
    healthy: state,
    applied: z.string().optional().describe('Agents that run this generation, of those that received it, as `k/n`.'),
    open: z.int().min(0).optional().describe('Open breakers over all agents.'),
  })
  .describe('A policy in a list.')
  .meta({ id: 'PolicyRow' });

const PolicyDetail = z
  .object({
    ...identity,
    createdAt: z.number().describe('Milliseconds since 1970.'),
    hold: z
      .boolean()
      .describe('Whether agents are told to keep what they run, because this generation cannot be used.'),
    spec: asGiven.optional().describe('As the source gave it. Absent: there is none, or it nests too deep to be told.'),
    problems: z.array(z.object({ field: z.string(), message: z.string() })).describe('Why the spec cannot be used.'),
    status: PolicyStatusFields,
  })
  .describe('A policy with its status.')
  .meta({ id: 'Policy' });

const PolicyAgents = z
  .object({
    generation: z.int().min(0),
    hold: z.boolean(),
    total: z.int().min(0).describe('All, listed or not.'),
    items: z.array(
      z.looseObject({
        boot: z.string(),
        instance: z.string(),
        service: z.string(),
        state: z.string(),
        silentMs: z.int(),
        has: z.enum(['current', 'older', 'none', 'rejected', 'held']),
        generation: z.int().min(0).optional().describe('The generation that it runs.'),
        rejection: z.object({ field: z.string(), message: z.string() }).optional(),
      }),
    ),
  })
  .describe('Who has a policy.')
  .meta({ id: 'PolicyAgents' });

export const policyPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/policies',
    summary: 'Policies with what became of them, by namespace and name.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.') }),
    answers: {
      200: { description: 'The policies.', schema: z.object({ items: z.array(PolicyRow) }) },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/policies/:namespace/:name',
    summary: 'One policy, whole.',
    params: z.object({ namespace: z.string().min(1), name: z.string().min(1) }),
    answers: { 200: { description: 'The policy.', schema: PolicyDetail }, ...refusals(400, 401, 403, 404, 503) },
  },
  {
    method: 'get',
    path: '/v1/policies/:namespace/:name/agents',
    summary: 'The agents that a policy is for, those first that it has not reached.',
    params: z.object({ namespace: z.string().min(1), name: z.string().min(1) }),
    answers: { 200: { description: 'The agents.', schema: PolicyAgents }, ...refusals(400, 401, 403, 404, 503) },
  },
];
