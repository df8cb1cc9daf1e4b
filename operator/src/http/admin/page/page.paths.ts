import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';

export const pagePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/',
    summary: 'The page.',
    answers: {
      200: { description: 'A document; what it loads lies beside it.', schema: z.string(), type: 'text/html' },
      ...refusals(404),
    },
  },
];
