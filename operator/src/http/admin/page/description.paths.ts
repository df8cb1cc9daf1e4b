import { z } from 'zod';
import type { Endpoint } from '../../description/endpoint.ts';

export const descriptionPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This description.',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
  },
];
