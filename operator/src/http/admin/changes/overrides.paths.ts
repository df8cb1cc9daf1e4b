import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { OverrideListSchema, OverrideSchema } from '../answers/overrides.ts';
import { PARAMETERS } from '../parameters.ts';
import { NewOverrideSchema } from './overrides.ts';

const params = z.object({ namespace: PARAMETERS.namespace, name: z.string().min(1) });

export const overridePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/overrides',
    summary: 'Overrides, the newest first.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.') }),
    answers: {
      200: { description: 'The overrides.', schema: OverrideListSchema },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/overrides/:namespace/:name',
    summary: 'One override.',
    params,
    answers: { 200: { description: 'The override.', schema: OverrideSchema }, ...refusals(400, 401, 403, 404, 503) },
  },
  {
    method: 'post',
    path: '/v1/overrides/:namespace',
    summary: 'Make an override, for whoever asks.',
    params: z.object({ namespace: PARAMETERS.namespace }),
    body: NewOverrideSchema,
    answers: {
      201: { description: 'It was made.', schema: OverrideSchema, headers: { location: z.string() } },
      ...refusals(400, 401, 403, 404, 413, 415, 422, 503),
    },
  },
  {
    method: 'delete',
    path: '/v1/overrides/:namespace/:name',
    summary: 'End an override now.',
    params,
    answers: { 204: { description: 'It is gone.' }, ...refusals(400, 401, 403, 404, 415, 503) },
  },
];
