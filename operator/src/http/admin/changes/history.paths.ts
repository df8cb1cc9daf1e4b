import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { HistorySchema } from '../answers/history.ts';
import { RollbackSchema } from './history.ts';

const params = z.object({ namespace: z.string().min(1), name: z.string().min(1) });

export const historyPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/policies/:namespace/:name/history',
    summary: 'What a policy was: its revisions, the newest first.',
    params,
    answers: { 200: { description: 'The revisions.', schema: HistorySchema }, ...refusals(400, 401, 403, 404, 503) },
  },
  {
    method: 'post',
    path: '/v1/policies/:namespace/:name/rollback',
    summary: 'Give a policy the spec of one of its revisions, with the rights of whoever asks.',
    params,
    body: RollbackSchema,
    answers: { 204: { description: 'It has that spec.' }, ...refusals(400, 401, 403, 404, 409, 413, 415, 422, 503) },
  },
];
