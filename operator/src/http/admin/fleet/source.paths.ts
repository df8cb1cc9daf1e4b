import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { SourceSchema } from '../answers/source.ts';
import { PARAMETERS } from '../parameters.ts';

export const sourcePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/source',
    summary: 'Where policies come from, and whether they can be read.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Count only its policies.') }),
    answers: { 200: { description: 'The source.', schema: SourceSchema }, ...refusals(400, 401, 403, 503) },
  },
];
