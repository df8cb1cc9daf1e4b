import { z } from 'zod';
import type { Answer } from './answer.ts';

const RevisionSchema = z.object({
  revision: z.int().describe('Grows with each edit; in a cluster the generation of the policy.'),
  at: z.number().describe('When it was recorded, milliseconds since 1970.'),
  current: z.boolean().describe('Whether the policy has this spec now.'),
  spec: z.unknown(),
  changes: z
    .array(z.object({ field: z.string(), from: z.unknown().optional(), to: z.unknown().optional() }))
    .describe('What differs from the revision before. Empty for the oldest one that is kept.'),
});

/** The answer of `GET /v1/policies/{namespace}/{name}/history`, with the newest revision first. */
export const HistorySchema = z.object({
  items: z.array(RevisionSchema),
  rollback: z
    .object({ allowed: z.boolean(), why: z.string().optional().describe('Why it is not allowed, and what to do.') })
    .describe('Whether whoever asks may give the policy the spec of a revision again.'),
});

export type HistoryAnswer = Answer<typeof HistorySchema>;
