import { OverrideSpecFields } from '@fuseboard/schema';
import { z } from 'zod';
import type { Answer } from './answer.ts';

export const CandidateSchema = z.object({
  policy: z.string(),
  uid: z.string(),
  pattern: z.string().optional().describe('What in the policy matches. Absent: nothing.'),
  governs: z.boolean(),
  reason: z.string(),
});

/** The answer of `GET /v1/explain`. */
export const ExplanationSchema = z
  .object({
    namespace: z.string(),
    labels: z.record(z.string(), z.string()),
    breaker: z.string(),
    winner: z.string().optional().describe('The policy that governs. Absent: the defaults of the code.'),
    candidates: z
      .array(CandidateSchema)
      .describe('The winner first, then the others in the order in which they would take its place.'),
    override: z
      .object({
        name: z.string(),
        ...OverrideSpecFields.shape,
        expiresAt: z.number().describe('When it ends, milliseconds since 1970.'),
      })
      .optional()
      .describe('The override that holds the breaker, whatever its policy says. Absent: none.'),
  })
  .describe('Which policy governs a breaker, and why no other does.')
  .meta({ id: 'Explanation' });

export type ExplanationAnswer = Answer<typeof ExplanationSchema>;
