import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { PARAMETERS } from '../parameters.ts';

const Source = z.object({
  kind: z.enum(['kubernetes', 'directory']),
  synced: z.boolean().describe('Whether all policies were read at least once.'),
  outage: z.string().optional().describe('Why policies cannot be read right now.'),
  asOf: z.string().optional().describe('The resourceVersion of what was read.'),
  policies: z.int().min(0),
  problems: z
    .array(z.object({ where: z.string(), line: z.int().optional(), message: z.string() }))
    .describe('What could not become a policy at all.'),
});

export const sourcePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/source',
    summary: 'Where policies come from, and whether they can be read.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Count only its policies.') }),
    answers: { 200: { description: 'The source.', schema: Source }, ...refusals(400, 401, 403, 503) },
  },
];
