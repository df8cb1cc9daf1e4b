import { z } from 'zod';
import type { Answer } from './answer.ts';

/** The answer of `GET /v1/source`. */
export const SourceSchema = z.object({
  kind: z.enum(['kubernetes', 'directory']),
  synced: z.boolean().describe('Whether all policies were read at least once.'),
  outage: z.string().optional().describe('Why policies cannot be read right now.'),
  asOf: z.string().optional().describe('The resourceVersion of what was read.'),
  policies: z.int().min(0),
  problems: z
    .array(z.object({ where: z.string(), line: z.int().optional(), message: z.string() }))
    .describe('What could not become a policy at all.'),
});

export type Source = Answer<typeof SourceSchema>;
